import LetheCore

/// The address of a webhook, read so strictly that every program that reads it sees the same host.
///
/// No user names, fragments, escapes in the host, backslashes, blanks or characters outside of ASCII; an IPv4 address
/// only as four decimal numbers, an IPv6 address only in brackets and without a zone. Addresses that are not public
/// are refused here when they are written as numbers, and at each delivery when a name resolves to them.
struct WebhookURL: Sendable, Equatable {
    /// Names that never mean a public host (RFC 6761, RFC 6762, RFC 9476 and what clouds use).
    private static let privateSuffixes = [
        "localhost", "local", "internal", "localdomain", "lan", "home", "corp", "test", "invalid", "onion", "arpa",
        "alt",
    ]

    /// `https`, or `http` for loopback.
    let scheme: String
    /// A DNS name in lower case, or the canonical text of an address without brackets.
    let host: String
    /// Where the scheme's default or the given one.
    let port: Int
    /// Path and query, beginning with a slash.
    let target: String
    /// The address, when the host is one.
    let address: PublicAddress?

    /// - Throws: `bad_data` with the pointer `/url`; the message never quotes the address.
    init(_ text: String, policy: WebhookPolicy) throws {
        func wrong(_ problem: String) -> LetheError { LetheError(.badData, "/url: \(problem)") }
        guard (1...2048).contains(text.utf8.count) else { throw wrong("must be 1 to 2048 bytes") }
        guard text.utf8.allSatisfy(Self.isAllowed) else {
            throw wrong("may hold only the characters of RFC 3986, and no user name and no fragment")
        }
        var rest = Substring(text)
        if rest.hasPrefix("https://") {
            scheme = "https"
        } else if rest.hasPrefix("http://"), policy.allowsLoopback {
            scheme = "http"
        } else {
            throw wrong("must begin with https://")
        }
        rest = rest.dropFirst(scheme.utf8.count + 3)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let path = rest.dropFirst(authority.count)
        guard path.isEmpty || path.first == "/" else { throw wrong("must have a path before the query") }
        guard Self.hasValidEscapes(path) else { throw wrong("has a broken percent escape") }
        target = path.isEmpty ? "/" : String(path)

        let (name, portText) = try Self.split(authority)
        if name.utf8.first == UInt8(ascii: "[") {
            guard let found = PublicAddress(String(name.dropFirst().dropLast())), found.bytes.count == 16 else {
                throw wrong("has no valid IPv6 address")
            }
            address = found
            host = found.text
        } else {
            let lowercased = name.lowercased()
            address = PublicAddress(lowercased)
            host = address?.text ?? lowercased
            guard address != nil || lowercased.utf8.elementsEqual("localhost".utf8) || Self.isName(lowercased) else {
                throw wrong("needs a full DNS name, or an address in its usual form")
            }
        }
        let isLoopback = address?.isLoopback ?? host.utf8.elementsEqual("localhost".utf8)
        if isLoopback && policy.allowsLoopback {
            port = try Self.port(portText) ?? (scheme == "https" ? 443 : 80)
            return
        }
        guard scheme == "https" else { throw wrong("must begin with https://") }
        port = try Self.port(portText) ?? 443
        guard policy.ports.contains(port) else {
            throw wrong("must use port \(policy.ports.sorted().map(String.init).joined(separator: " or "))")
        }
        if let address {
            guard address.isPublic else { throw wrong("must be a public address") }
        } else {
            let last = host.split(separator: ".").last.map(String.init) ?? ""
            guard host.utf8.contains(UInt8(ascii: ".")), !Self.privateSuffixes.contains(last) else {
                throw wrong("must be a public host")
            }
        }
    }

    /// The address as it is given to libcurl.
    var text: String {
        let shown = address?.bytes.count == 16 ? "[\(host)]" : host
        return "\(scheme)://\(shown):\(port)\(target)"
    }

    private static func split(_ authority: Substring) throws -> (name: Substring, port: Substring?) {
        let wrong = LetheError(.badData, "/url: has no valid host")
        if authority.utf8.first == UInt8(ascii: "[") {
            guard let close = authority.firstIndex(of: "]") else { throw wrong }
            let after = authority[authority.index(after: close)...]
            guard after.isEmpty || after.first == ":" else { throw wrong }
            return (authority[...close], after.isEmpty ? nil : after.dropFirst())
        }
        let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), !parts[0].isEmpty else { throw wrong }
        return (parts[0], parts.count == 2 ? parts[1] : nil)
    }

    /// - Returns: nil without a port.
    private static func port(_ text: Substring?) throws -> Int? {
        guard let text else { return nil }
        guard let number = QueryParameters.decimal(String(text)), (1...65535).contains(number) else {
            throw LetheError(.badData, "/url: has no valid port")
        }
        return number
    }

    /// At least two labels of letters, digits and inner hyphens, the last one beginning with a letter: so that no
    /// program takes it for a number.
    private static func isName(_ name: String) -> Bool {
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        guard name.utf8.count <= 253, labels.count >= 2, let first = labels.last?.utf8.first,
            (97...122).contains(first)
        else { return false }
        return labels.allSatisfy { label in
            let bytes = label.utf8
            return (1...63).contains(bytes.count) && bytes.first != UInt8(ascii: "-")
                && bytes.last != UInt8(ascii: "-")
                && bytes.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == UInt8(ascii: "-") }
        }
    }

    /// Unreserved and reserved characters of RFC 3986 without `@` and `#`, and the percent sign.
    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...90, 97...122: true
        default: "-._~:/?[]!$&'()*+,;=%".utf8.contains(byte)
        }
    }

    private static func hasValidEscapes(_ path: Substring) -> Bool {
        let bytes = Array(path.utf8)
        func isHex(_ index: Int) -> Bool {
            index < bytes.count && Character(Unicode.Scalar(bytes[index])).isHexDigit
        }
        return bytes.indices.allSatisfy { bytes[$0] != UInt8(ascii: "%") || (isHex($0 + 1) && isHex($0 + 2)) }
            && !bytes.contains(UInt8(ascii: "[")) && !bytes.contains(UInt8(ascii: "]"))
    }
}
