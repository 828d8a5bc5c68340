import Crypto
import Foundation
import LetheCore

/// What a hub says a file's content is: SHA-256 for large files, Git's object name for small ones.
public enum HubDigest: Sendable, Equatable {
    /// SHA-256 of the content, 64 lower-case hexadecimal digits.
    case sha256(String)
    /// SHA-1 of `blob <size>\0` and the content, 40 lower-case hexadecimal digits.
    case gitBlob(String)

    /// The digits.
    public var text: String {
        switch self {
        case .sha256(let text), .gitBlob(let text): text
        }
    }

    /// Computes the digest of a content piece by piece.
    struct Hasher {
        private enum State {
            case sha256(SHA256)
            case gitBlob(Insecure.SHA1)
        }

        private var state: State

        /// - Parameter size: bytes of the whole content, which Git's name begins with.
        init(_ digest: HubDigest, size: Int) {
            switch digest {
            case .sha256: state = .sha256(SHA256())
            case .gitBlob:
                var hasher = Insecure.SHA1()
                hasher.update(data: Data("blob \(size)\0".utf8))
                state = .gitBlob(hasher)
            }
        }

        mutating func update(_ data: Data) {
            switch state {
            case .sha256(var hasher):
                hasher.update(data: data)
                state = .sha256(hasher)
            case .gitBlob(var hasher):
                hasher.update(data: data)
                state = .gitBlob(hasher)
            }
        }

        /// Whether what was given is the content.
        func matches(_ digest: HubDigest) -> Bool {
            switch (state, digest) {
            case (.sha256(let hasher), .sha256(let text)): Self.text(hasher.finalize()) == text
            case (.gitBlob(let hasher), .gitBlob(let text)): Self.text(hasher.finalize()) == text
            default: false
            }
        }

        private static func text(_ digest: some Sequence<UInt8>) -> String {
            digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
    }

    /// Nil unless the text is `count` lower-case hexadecimal digits.
    static func digits(_ text: String?, count: Int) -> String? {
        guard let text, text.utf8.count == count,
            text.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) })
        else { return nil }
        return text
    }
}
