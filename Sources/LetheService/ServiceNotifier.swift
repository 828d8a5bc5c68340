import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Tells the service manager how the daemon is, by the protocol of sd_notify(3): one datagram for each message.
///
/// Does nothing where no manager asked for it in `NOTIFY_SOCKET`.
package struct ServiceNotifier: Sendable {
    private let path: String?
    /// Half the time after which the manager takes the daemon for dead; nil without a watchdog.
    package let watchdogInterval: Duration?

    /// Reads what the manager asked for.
    package init(environment: [String: String] = ProcessInfo.processInfo.environment) {
        let socket = environment["NOTIFY_SOCKET"] ?? ""
        // An absolute path, or @ before a name in the abstract namespace.
        path = socket.hasPrefix("/") || socket.hasPrefix("@") ? socket : nil
        let microseconds = environment["WATCHDOG_USEC"].flatMap { Int64($0) } ?? 0
        let isForThis = environment["WATCHDOG_PID"].map { $0 == String(getpid()) } ?? true
        watchdogInterval = path != nil && isForThis && microseconds > 0 ? .microseconds(microseconds / 2) : nil
    }

    /// Whether a manager listens.
    package var isActive: Bool { path != nil }

    /// Sends a message such as `READY=1`.
    /// - Returns: whether the manager's socket took it.
    @discardableResult
    package func send(_ message: String) -> Bool {
        guard let path else { return false }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var name = Array(path.utf8)
        if name[0] == UInt8(ascii: "@") { name[0] = 0 }
        guard name.count < MemoryLayout.size(ofValue: address.sun_path) else { return false }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        // Without the bytes after the name: in the abstract namespace they would be part of it.
        let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
        let bytes = Array(message.utf8)
        let sent = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT), $0, length)
            }
        }
        return sent == bytes.count
    }
}
