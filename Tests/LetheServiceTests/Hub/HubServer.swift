import Foundation
import LetheCore
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// An HTTP/1.1 server on a real socket that answers as it is told, and can break off in the middle of an answer.
final class HubServer: Sendable {
    /// A request as it arrived; header names in lower case.
    struct Request: Sendable {
        let target: String
        let headers: [String: String]

        var path: String { String(target.split(separator: "?", maxSplits: 1)[0]) }
        /// The first byte that `Range` asks for.
        var firstByte: Int {
            guard let range = headers["range"], range.hasPrefix("bytes="), range.hasSuffix("-") else { return 0 }
            return Int(range.dropFirst(6).dropLast()) ?? 0
        }
    }

    /// What is sent back.
    struct Reply: Sendable {
        var status = 200
        var headers: [String: String] = [:]
        var body = Data()
        /// Bytes of the body after which the connection is closed, though the whole length was announced.
        var cutAfter: Int?
        /// Whether the length is announced at all.
        var announcesLength = true
    }

    let port: Int
    private let descriptor: Int32
    private let script: @Sendable (Request) -> Reply
    private let arrived = Mutex<[Request]>([])

    /// Listens from now on.
    init(_ script: @escaping @Sendable (Request) -> Reply) throws {
        self.script = script
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr = in_addr(s_addr: UInt32(0x7F00_0001).bigEndian)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, 16) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        self.descriptor = descriptor
        guard bound else { throw BenchError.notListening }
        port = Int(UInt16(bigEndian: address.sin_port))
        let thread = Thread { [descriptor, script, arrived = Unowned(self)] in
            while true {
                let connection = accept(descriptor, nil, nil)
                guard connection >= 0 else {
                    // Closed here and nowhere else: its number must not become another socket's while this accepts.
                    close(descriptor)
                    return
                }
                Self.serve(connection) { request in
                    arrived.value?.record(request)
                    return script(request)
                }
            }
        }
        thread.start()
    }

    deinit {
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    var requests: [Request] { arrived.withLock { $0 } }
    func url(host: String = "127.0.0.1") -> String { "http://\(host):\(port)" }

    private func record(_ request: Request) { arrived.withLock { $0.append(request) } }

    private final class Unowned: @unchecked Sendable {
        weak var value: HubServer?
        init(_ value: HubServer) { self.value = value }
    }

    private static func serve(_ connection: Int32, _ script: (Request) -> Reply) {
        defer { close(connection) }
        var patience = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var head = Data()
        var buffer = [UInt8](repeating: 0, count: 4096)
        while head.range(of: Data("\r\n\r\n".utf8)) == nil {
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return }
            head.append(contentsOf: buffer[..<count])
        }
        let lines = String(decoding: head, as: UTF8.self).components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ")
        guard words.count == 3 else { return }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] = line[line.index(after: colon)...]
                .trimmingCharacters(in: .whitespaces)
        }
        let reply = script(Request(target: String(words[1]), headers: headers))
        var answer = "HTTP/1.1 \(reply.status) X\r\nConnection: close\r\n"
        if reply.announcesLength { answer += "Content-Length: \(reply.body.count)\r\n" }
        for (name, value) in reply.headers { answer += "\(name): \(value)\r\n" }
        let bytes = Data((answer + "\r\n").utf8) + reply.body.prefix(reply.cutAfter ?? reply.body.count)
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                send(connection, $0.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
    }
}
