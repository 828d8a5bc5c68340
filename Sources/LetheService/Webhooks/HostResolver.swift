import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Finds the addresses of a host name.
enum HostResolver {
    /// All addresses of a name in the system's order; none when it has none. On a thread of its own: the system's
    /// resolver blocks.
    static func addresses(_ name: String) async -> [PublicAddress] {
        await withCheckedContinuation { continuation in
            Thread { continuation.resume(returning: resolve(name)) }.start()
        }
    }

    private static func resolve(_ name: String) -> [PublicAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(name, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var found: [PublicAddress] = []
        var next = list
        while let entry = next {
            var text = [CChar](repeating: 0, count: 1025)
            if getnameinfo(
                entry.pointee.ai_addr, entry.pointee.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
                == 0,
                let address = PublicAddress(
                    String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
            {
                found.append(address)
            }
            next = entry.pointee.ai_next
        }
        return found
    }
}
