#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Which host names and addresses mean this machine and nothing else.
enum LoopbackHost {
    /// The numeric address for `localhost`, an address of 127.0.0.0/8 or `::1`; nil for anything else. Names are not
    /// resolved, so no resolver can answer with another address.
    static func address(_ host: String) -> String? {
        if host.utf8.elementsEqual("localhost".utf8) { return "127.0.0.1" }
        guard host.utf8.count <= 45, !host.utf8.contains(0) else { return nil }
        var v4 = in_addr()
        if inet_pton(AF_INET, host, &v4) == 1 {
            let isLoopback = UInt32(bigEndian: v4.s_addr) >> 24 == 127
            return isLoopback ? host : nil
        }
        var v6 = in6_addr()
        if inet_pton(AF_INET6, host, &v6) == 1 {
            let bytes = withUnsafeBytes(of: &v6) { Array($0) }
            return bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1 ? host : nil
        }
        return nil
    }

    /// The address itself when it is a numeric one of any network; nil for names.
    static func numericAddress(_ host: String) -> String? {
        guard host.utf8.count <= 45, !host.utf8.contains(0) else { return nil }
        var v4 = in_addr()
        var v6 = in6_addr()
        return inet_pton(AF_INET, host, &v4) == 1 || inet_pton(AF_INET6, host, &v6) == 1 ? host : nil
    }

    /// Whether the host of a URL, an IPv6 address with or without its brackets, is this machine.
    static func isLoopback(host: String) -> Bool {
        address(host.lowercased()) != nil || isLoopback(authority: host)
    }

    /// Whether the value of a `Host` header names this machine, with or without a port.
    static func isLoopback(authority: String) -> Bool {
        let lowercased = authority.lowercased()
        var host = Substring(lowercased)
        if host.first == "[" {
            guard let close = host.firstIndex(of: "]") else { return false }
            let port = host[host.index(after: close)...]
            guard isPort(port) else { return false }
            host = host[host.index(after: host.startIndex)..<close]
        } else if let colon = host.firstIndex(of: ":") {
            guard isPort(host[colon...]) else { return false }
            host = host[..<colon]
        }
        return address(String(host)) != nil
    }

    /// Whether the value of an `Origin` header is a page served by this machine.
    static func isLoopback(origin: String) -> Bool {
        for scheme in ["http://", "https://"] where origin.lowercased().hasPrefix(scheme) {
            return isLoopback(authority: String(origin.dropFirst(scheme.count)))
        }
        return false
    }

    /// Empty, or a colon with up to five digits.
    private static func isPort(_ text: Substring) -> Bool {
        guard !text.isEmpty else { return true }
        let digits = text.utf8.dropFirst()
        return text.utf8.first == UInt8(ascii: ":") && digits.count <= 5 && digits.allSatisfy { (48...57).contains($0) }
    }
}
