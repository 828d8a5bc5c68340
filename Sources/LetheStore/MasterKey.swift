import Crypto
import Foundation
import LetheCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

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

    private static let header = "lethe-master-key-1 "

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
    ///
    /// A crash during creation leaves no half-written key: the file appears under its name whole.
    /// - Throws: ``LetheError`` with code `missing_input` when it is not there, `forbidden` when others may read it,
    ///   `bad_data` when it is not a key file.
    static func load(_ url: URL, create: Bool) throws -> MasterKey {
        let path = url.path
        let temporary = "\(path).new"
        if FileSystem.exists(path) {
            // A crash right after the creation may have left both names.
            guard unlink(temporary) == 0 || errno == ENOENT else { throw FileSystem.error("unlink", temporary) }
        } else {
            guard create else {
                throw LetheError(
                    .missingInput, "\(FileSystem.name(path)) is not there, and the database needs it; restore the file")
            }
            let secret = SymmetricKey(size: .bits256)
            let text = secret.withUnsafeBytes { header + Data($0).base64EncodedString() + "\n" }
            guard unlink(temporary) == 0 || errno == ENOENT else { throw FileSystem.error("unlink", temporary) }
            try FileSystem.writeNew(temporary, Data(text.utf8), mode: 0o600)
            try FileSystem.renameFile(temporary, toNew: path)
            try FileSystem.syncFolder(FileSystem.parent(path))
        }
        let status = try FileSystem.status(path)
        guard status.kind == S_IFREG, status.permissions & 0o077 == 0 else {
            throw LetheError(
                .forbidden, "\(FileSystem.name(path)) has to be a regular file that only its owner can read")
        }
        let text = String(decoding: try FileSystem.contents(path, limit: 1024), as: UTF8.self)
        guard text.hasPrefix(header), text.hasSuffix("\n"),
            let secret = Data(base64Encoded: String(text.dropFirst(header.count).dropLast())), secret.count == 32
        else {
            throw LetheError(.badData, "\(FileSystem.name(path)) is not a master key file")
        }
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
