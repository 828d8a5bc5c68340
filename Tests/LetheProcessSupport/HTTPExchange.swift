import Foundation
import LetheCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// One HTTP/1.1 request to a daemon on this machine, on a connection of its own.
package struct HTTPExchange: Sendable {
    /// What came back.
    package struct Answer: Sendable {
        package let status: Int
        /// The fields, names in lower case.
        package let headers: [String: String]
        package let body: Data

        /// The body as JSON.
        package var json: JSONValue {
            get throws { try JSONParser.parse(body, context: "answer") }
        }
    }

    private let port: Int
    private let message: Data

    package init(
        _ port: Int, _ method: String, _ path: String, headers: [String: String] = [:], body: Data? = nil
    ) {
        self.port = port
        var lines = ["\(method) \(path) HTTP/1.1", "Host: 127.0.0.1:\(port)", "Connection: close"]
        if let body { lines += ["Content-Type: application/json", "Content-Length: \(body.count)"] }
        lines += headers.map { "\($0.key): \($0.value)" }
        message = Data((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + (body ?? Data())
    }

    /// Sends it and reads until the other side closes.
    /// - Throws: `unavailable` when the connection is refused, is lost before the answer is whole, or is silent for
    ///   the given time.
    package func answer(patience: Duration = .seconds(120)) async throws -> Answer {
        try await Blocking.run { try Self.parse(exchange(patience)) }
    }

    private func exchange(_ patience: Duration) throws -> Data {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw LetheError(.ioError, "no socket") }
        defer { close(descriptor) }
        var limit = timeval(tv_sec: Int(patience.components.seconds), tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(clamping: port).bigEndian)
        address.sin_addr = in_addr(s_addr: UInt32(0x7F00_0001).bigEndian)
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw LetheError(.unavailable, "the connection is refused") }
        var sent = 0
        while sent < message.count {
            let count = message.withUnsafeBytes { bytes in
                send(descriptor, bytes.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw LetheError(.unavailable, "the connection is lost") }
            sent += count
        }
        var received = Data()
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count == 0 { return received }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw LetheError(.unavailable, "the connection is lost") }
            received.append(contentsOf: buffer[..<count])
        }
    }

    /// - Throws: `unavailable` for an answer that is not whole.
    private static func parse(_ data: Data) throws -> Answer {
        let lost = LetheError(.unavailable, "the connection is lost")
        guard let end = data.range(of: Data("\r\n\r\n".utf8)) else { throw lost }
        let lines = String(decoding: data[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ")
        guard words.count >= 2, let status = Int(words[1]) else { throw lost }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { throw lost }
            headers[line[..<colon].lowercased()] =
                line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        }
        var body = Data(data[end.upperBound...])
        if let length = headers["content-length"] {
            guard body.count == Int(length) else { throw lost }
        } else if headers["transfer-encoding"] == "chunked" {
            body = try dechunk(body) ?? { throw lost }()
        }
        return Answer(status: status, headers: headers, body: body)
    }

    /// nil when the last chunk is not there.
    private static func dechunk(_ data: Data) throws -> Data? {
        var body = Data()
        var rest = data[...]
        while let end = rest.range(of: Data("\r\n".utf8)) {
            let word = String(decoding: rest[..<end.lowerBound], as: UTF8.self)
            guard let size = Int(word, radix: 16), rest.endIndex - end.upperBound >= size + 2 else { return nil }
            if size == 0 { return body }
            body += rest[end.upperBound..<end.upperBound + size]
            rest = rest[(end.upperBound + size + 2)...]
        }
        return nil
    }
}
