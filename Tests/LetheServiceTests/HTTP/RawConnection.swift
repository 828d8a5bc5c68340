import Foundation
import LetheCore
import LetheService
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A TCP connection on which a test sends whatever bytes it likes.
final class RawConnection: @unchecked Sendable {
    private let descriptor: Int32
    private let lock = NSLock()
    private var isClosed = false
    private var received = Data()

    init(port: Int) throws {
        // A child process of another test that inherited it would keep it open.
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr = in_addr(s_addr: UInt32(0x7F00_0001).bigEndian)
        // No read waits for ever, so that a failing test ends.
        var patience = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            _ = Glibc.close(descriptor)
            isClosed = true
            throw BenchError.connectionFailed
        }
    }

    deinit { close() }

    func close() {
        lock.withLock {
            if !isClosed { _ = Glibc.close(descriptor) }
            isClosed = true
        }
    }

    /// Sends bytes; what the other side does not take any more is dropped.
    func send(_ bytes: Data) {
        bytes.withUnsafeBytes { buffer in
            var sent = 0
            while sent < buffer.count {
                let count = Glibc.send(descriptor, buffer.baseAddress! + sent, buffer.count - sent, Int32(MSG_NOSIGNAL))
                guard count > 0 else { return }
                sent += count
            }
        }
    }

    func send(_ text: String) { send(Data(text.utf8)) }

    /// Says that nothing more will be sent.
    func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Reads until the text so far is enough, or the other side closes, and returns the text so far.
    func read(_ isEnough: @escaping @Sendable (String) -> Bool) async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            Thread {
                while true {
                    let text = String(decoding: self.received, as: UTF8.self)
                    if isEnough(text) { return continuation.resume(returning: text) }
                    var buffer = [UInt8](repeating: 0, count: 65536)
                    let count = recv(self.descriptor, &buffer, buffer.count, 0)
                    guard count > 0 else {
                        if count == 0 || errno == ECONNRESET { return continuation.resume(returning: text) }
                        return continuation.resume(throwing: BenchError.connectionFailed)
                    }
                    self.received.append(contentsOf: buffer[..<count])
                }
            }.start()
        }
    }

    /// Reads until the other side closes.
    func readToEnd() async throws -> String { try await read { _ in false } }

    /// Sends one request on a connection of its own and returns everything that comes back.
    static func exchange(port: Int, _ bytes: Data) async throws -> String {
        let connection = try RawConnection(port: port)
        connection.send(bytes)
        connection.finishSending()
        return try await connection.readToEnd()
    }

    /// Submits an ordinary request and returns its id.
    static func submit(port: Int) async throws -> String {
        let body = Data(#"{"category":"other","items":[{"text":"x"}]}"#.utf8)
        let answer = try await DaemonClient(url: "http://127.0.0.1:\(port)").submit(
            body, idempotencyKey: UUID().uuidString)
        return try #require(answer["id"]?.stringValue)
    }
}
