import Foundation
import LetheCore
import LetheProcessSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What the daemon tells a service manager that started it with Type=notify.
@Suite(.serialized) struct ServiceManagerTests {
    let bench: CommandBench

    init() throws { bench = try CommandBench() }

    @Test func `a service manager hears when it is ready, that it lives, and when it stops`() async throws {
        let path = bench.scratch.path("n").path
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        try #require(path.utf8.count < MemoryLayout.size(ofValue: address.sun_path))
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0)
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        @Sendable func next() async throws -> String {
            try await Blocking.run {
                var buffer = [UInt8](repeating: 0, count: 4096)
                let count = recv(descriptor, &buffer, buffer.count, 0)
                guard count > 0 else { throw LetheError(.unavailable, "no message came") }
                return String(decoding: buffer[..<count], as: UTF8.self)
            }
        }

        try await bench.importModel()
        let daemon = try await bench.serve(environment: ["NOTIFY_SOCKET": path, "WATCHDOG_USEC": "200000"])
        var heard: [String] = []
        while !heard.contains("READY=1") || heard.last != "WATCHDOG=1" { heard.append(try await next()) }
        #expect(Set(heard) == ["READY=1", "WATCHDOG=1"])
        daemon.process.signal(SIGTERM)
        var last = try await next()
        while last == "WATCHDOG=1" { last = try await next() }
        #expect(last == "STOPPING=1")
        #expect(try await daemon.stop().end == .exited(0))
    }
}
