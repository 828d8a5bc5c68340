#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// An IP address, and whether it lies in the public Internet.
struct PublicAddress: Sendable, Equatable {
    /// 4 or 16 bytes in network order.
    let bytes: [UInt8]

    /// Reads the usual text forms: four decimal numbers without leading zeros, or RFC 4291. Nil for anything else:
    /// octal, hexadecimal, short and single-number forms of IPv4, zones, brackets.
    init?(_ text: String) {
        guard (2...45).contains(text.utf8.count), !text.utf8.contains(0) else { return nil }
        var v4 = in_addr()
        if inet_pton(AF_INET, text, &v4) == 1 {
            bytes = withUnsafeBytes(of: &v4) { Array($0) }
            return
        }
        var v6 = in6_addr()
        guard inet_pton(AF_INET6, text, &v6) == 1 else { return nil }
        bytes = withUnsafeBytes(of: &v6) { Array($0) }
    }

    /// The canonical text; nil never happens.
    var text: String {
        var buffer = [CChar](repeating: 0, count: 46)
        let family = bytes.count == 4 ? AF_INET : AF_INET6
        guard bytes.withUnsafeBytes({ inet_ntop(family, $0.baseAddress, &buffer, 46) }) != nil else { return "" }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// 127.0.0.0/8 or ::1.
    var isLoopback: Bool {
        bytes.count == 4 ? bytes[0] == 127 : bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1
    }

    /// Whether the address is one of the public Internet: none that the registries of special-purpose addresses
    /// (RFC 6890) set apart, no multicast, and none that carries an IPv4 address inside.
    var isPublic: Bool {
        if bytes.count == 4 { return !Self.reserved4.contains { matches($0.bytes, $0.length) } }
        // Only 2000::/3 is given out. Mapped (::ffff:0:0/96), translated (64:ff9b::/96), unique-local, link-local,
        // site-local and multicast addresses all lie outside.
        return matches([0x20], 3) && !Self.reserved6.contains { matches($0.bytes, $0.length) }
    }

    private func matches(_ prefix: [UInt8], _ length: Int) -> Bool {
        for bit in 0..<length {
            let mask = UInt8(0x80) >> (bit % 8)
            let wanted = bit / 8 < prefix.count ? prefix[bit / 8] & mask : 0
            if bytes[bit / 8] & mask != wanted { return false }
        }
        return true
    }

    private static let reserved4: [(bytes: [UInt8], length: Int)] = [
        ([0], 8),  // this network
        ([10], 8),  // private
        ([100, 64], 10),  // carrier-grade NAT
        ([127], 8),  // loopback
        ([168, 63, 129, 16], 32),  // a cloud's metadata service
        ([169, 254], 16),  // link-local, metadata services
        ([172, 16], 12),  // private
        ([192, 0, 0], 24),  // protocol assignments
        ([192, 0, 2], 24),  // documentation
        ([192, 88, 99], 24),  // 6to4 relays
        ([192, 168], 16),  // private
        ([198, 18], 15),  // benchmarks
        ([198, 51, 100], 24),  // documentation
        ([203, 0, 113], 24),  // documentation
        ([224], 4),  // multicast
        ([240], 4),  // reserved, broadcast
    ]

    private static let reserved6: [(bytes: [UInt8], length: Int)] = [
        ([0x20, 0x01, 0x00], 23),  // protocol assignments, Teredo
        ([0x20, 0x01, 0x0D, 0xB8], 32),  // documentation
        ([0x20, 0x02], 16),  // 6to4, carries an IPv4 address
        ([0x3F, 0xFF], 20),  // documentation
    ]
}
