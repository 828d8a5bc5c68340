/// One file of a repository, as the hub lists it.
public struct HubFile: Sendable, Equatable {
    /// Its path in the repository.
    public let name: String
    /// Bytes.
    public let size: Int
    /// What its content has to be.
    public let digest: HubDigest

    /// Whether a name can be a path inside a folder and nothing else: plain components, none of them hidden behind
    /// `..`, a drive, a control character or another separator.
    static func isSafe(_ name: String) -> Bool {
        guard (1...1024).contains(name.utf8.count),
            !name.utf8.contains(where: { $0 < 32 || $0 == 127 || $0 == UInt8(ascii: "\\") || $0 == UInt8(ascii: ":") })
        else { return false }
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        return parts.count <= 16 && parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." && $0.utf8.count <= 255 }
    }
}
