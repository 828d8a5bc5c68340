import Crypto
import Foundation
import LetheCore

/// The text of an API key: `lethe_<id>_<secret>_<checksum>`, all in lower-case hexadecimal.
///
/// The id is 64 random bits and public, the secret 256 random bits. The prefix and the checksum (the first 32 bits of
/// the SHA-256 of everything before it) let a scanner tell a leaked key from other text without asking anybody.
public struct APIKeyToken: Sendable {
    /// The pattern that a secret scanner looks for.
    public static let pattern = "lethe_[0-9a-f]{16}_[0-9a-f]{64}_[0-9a-f]{8}"

    /// Names the key; not secret.
    public let id: String
    private let secret: Sensitive<Data>

    /// Makes a new key.
    init() {
        id = Hexadecimal.string(SymmetricKey(size: SymmetricKeySize(bitCount: 64)).withUnsafeBytes { Data($0) })
        secret = Sensitive(SymmetricKey(size: .bits256).withUnsafeBytes { Data($0) })
    }

    /// Reads the text of a key; nil for anything else. Whether such a key exists is for the store to say.
    public init?(_ text: some StringProtocol) {
        guard text.utf8.count == 96 else { return nil }
        let parts = text.split(separator: "_", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "lethe", parts[1].utf8.count == 16,
            Hexadecimal.data(String(parts[1])) != nil, parts[2].utf8.count == 64,
            let secret = Hexadecimal.data(String(parts[2]))
        else { return nil }
        id = String(parts[1])
        self.secret = Sensitive(secret)
        guard ConstantTime.areEqual(Array(text.utf8.suffix(8)), Array(checksum.utf8)) else { return nil }
    }

    /// The whole text; shown once, when the key is made.
    public var text: Sensitive<String> { Sensitive("\(body)_\(checksum)") }

    /// What is stored: the SHA-256 of the secret. A slow hash would add nothing to 256 random bits.
    var secretDigest: Data { Data(SHA256.hash(data: secret.reveal())) }

    private var body: String { "lethe_\(id)_\(Hexadecimal.string(secret.reveal()))" }
    private var checksum: String { Hexadecimal.string(SHA256.hash(data: Data(body.utf8)).prefix(4)) }
}
