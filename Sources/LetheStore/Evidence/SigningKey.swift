import Crypto
import Foundation
import LetheCore

/// The Ed25519 key (RFC 8032) that signs certificates and heads of the audit log.
///
/// It lies in a file of mode 0600 beside the master key. Taking the file away makes the next start create another
/// key: that is how keys are rotated. The public halves of all of them stay in the database.
struct SigningKey: Sendable {
    private let key: Curve25519.Signing.PrivateKey
    /// What checks its signatures.
    let verification: VerificationKey

    /// Reads the key file, creating it when it is not there.
    /// - Throws: as ``SecretFile/load(_:header:kind:make:made:)``.
    static func load(_ url: URL, failPoints: FailPoints) throws -> SigningKey {
        let secret = try SecretFile.load(
            url, header: "lethe-signing-key-1", kind: "signing key",
            make: { Curve25519.Signing.PrivateKey().rawRepresentation },
            made: { try failPoints.reach("key.after_file") })
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: secret) else {
            throw LetheError(.badData, "\(FileSystem.name(url.path)) is not a signing key file")
        }
        return try SigningKey(key)
    }

    private init(_ key: Curve25519.Signing.PrivateKey) throws {
        self.key = key
        verification = try VerificationKey(rawRepresentation: key.publicKey.rawRepresentation)
    }

    /// The 64 bytes of a signature.
    func sign(_ message: Data) throws -> Data {
        guard let signature = try? key.signature(for: message) else {
            throw LetheError(.internalError, "signing failed")
        }
        return signature
    }
}
