import LetheCore

/// A model repository of a hub at a revision, written `OWNER/NAME` or `OWNER/NAME@revision`.
public struct HubReference: Sendable, Equatable, CustomStringConvertible {
    /// The user or organisation.
    public let owner: String
    /// The repository's own name.
    public let name: String
    /// A branch, a tag or a commit.
    public let revision: String

    /// The revision where none is named.
    public static let defaultRevision = "main"

    /// - Throws: `usage` for anything that is not of that form.
    public init(_ text: String) throws {
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        let names = parts[0].split(separator: "/", omittingEmptySubsequences: false)
        guard names.count == 2, names.allSatisfy(Self.isName) else {
            throw LetheError(.usage, "a model of a hub is OWNER/NAME or OWNER/NAME@revision")
        }
        owner = String(names[0])
        name = String(names[1])
        revision = parts.count == 2 ? String(parts[1]) : Self.defaultRevision
        guard Self.isRevision(revision) else {
            throw LetheError(.usage, "a revision is a branch, a tag or a commit")
        }
    }

    /// `OWNER/NAME@revision`.
    public var description: String { "\(owner)/\(name)@\(revision)" }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"): true
        default: false
        }
    }

    private static func isName(_ text: Substring) -> Bool {
        (1...96).contains(text.utf8.count) && text.utf8.allSatisfy(isPlain)
            && !text.hasPrefix(".") && !text.hasPrefix("-")
    }

    private static func isRevision(_ text: String) -> Bool {
        (1...255).contains(text.utf8.count)
            && text.utf8.allSatisfy { isPlain($0) || $0 == UInt8(ascii: "/") }
            && text.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
                !$0.isEmpty && !$0.hasPrefix(".") && !$0.hasPrefix("-")
            }
    }
}
