import Crypto
import Foundation
import LetheCore

/// The key that everything personal in the store hangs on: 256 random bits in a file of mode 0600.
///
/// Losing the file makes stored request texts, references and memory unreadable; models stay readable. Keys for
/// the separate uses are derived from it with HKDF-SHA256 (RFC 5869).
struct MasterKey: Sendable {
    /// Wraps the keys of requests.
    let wrapping: SymmetricKey
    /// Keys the digests of references, idempotency keys and cursors.
    let digesting: SymmetricKey
    /// Encrypts the redundancy memory.
    let memory: SymmetricKey
    /// Encrypts the addresses and secrets of webhooks.
    let webhooks: SymmetricKey

    private static let header = "lethe-master-key-1"

    init(_ secret: SymmetricKey) {
        func derive(_ use: String) -> SymmetricKey {
            HKDF<SHA256>.deriveKey(
                inputKeyMaterial: secret, info: Data("lethe/v1/\(use)".utf8), outputByteCount: 32)
        }
        wrapping = derive("wrap")
        digesting = derive("digest")
        memory = derive("memory")
        webhooks = derive("webhooks")
    }

    /// Reads the key file; creates it first when `create` is set and it is not there.
    /// - Throws: as ``SecretFile/load(_:header:kind:make:made:)``.
    static func load(_ url: URL, create: Bool) throws -> MasterKey {
        let make = { SymmetricKey(size: .bits256).withUnsafeBytes { Data($0) } }
        let secret = try SecretFile.load(url, header: header, kind: "master key", make: create ? make : nil)
        return MasterKey(SymmetricKey(data: secret))
    }

    /// A keyed digest (HMAC-SHA256) of `value` for one `use`; digests for different uses cannot be compared.
    func digest(_ use: String, _ value: Data) -> Data {
        var code = HMAC<SHA256>(key: digesting)
        code.update(data: Data("\(use)\u{0}".utf8))
        code.update(data: value)
        return Data(code.finalize())
    }

    /// What a database stores to recognise its key.
    var check: Data { digest("key-check", Data()) }
}
