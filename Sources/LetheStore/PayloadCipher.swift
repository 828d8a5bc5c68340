import Crypto
import Foundation
import LetheCore

/// Encrypts what a caller wrote: AES-256-GCM under a key of the request's own, which is stored wrapped by the master
/// key. Destroying the wrapped key makes the rest unreadable.
///
/// The additional authenticated data is the request's id and the name of the field, so that a box cannot be moved
/// to another row or column.
struct PayloadCipher: Sendable {
    let master: MasterKey

    /// The parts of a request that are encrypted.
    enum Field: String {
        case key, payload, summary
    }

    /// A key of one request.
    struct RequestKey: Sendable {
        fileprivate let key: SymmetricKey
    }

    /// A new random key, and its wrapped form for the row.
    func makeKey(_ id: RequestID) throws -> (key: RequestKey, wrapped: Data) {
        let key = SymmetricKey(size: .bits256)
        let wrapped = try key.withUnsafeBytes {
            try box(Data($0), master.wrapping, associated(id, .key))
        }
        return (RequestKey(key: key), wrapped)
    }

    /// The key in its wrapped form.
    /// - Throws: ``LetheError`` with code `bad_data` when the master key is another one or the bytes were changed.
    func unwrap(_ wrapped: Data, _ id: RequestID) throws -> RequestKey {
        RequestKey(key: SymmetricKey(data: try unbox(wrapped, master.wrapping, associated(id, .key), "key")))
    }

    /// Encrypts one field of a request.
    func seal(_ data: Data, _ field: Field, _ id: RequestID, _ key: RequestKey) throws -> Data {
        try box(data, key.key, associated(id, field))
    }

    /// Decrypts one field of a request.
    func open(_ data: Data, _ field: Field, _ id: RequestID, _ key: RequestKey) throws -> Data {
        try unbox(data, key.key, associated(id, field), field.rawValue)
    }

    /// Encrypts the vectors that a request adds to the memory.
    func sealMemory(_ data: Data, _ id: RequestID, _ space: String) throws -> Data {
        try box(data, master.memory, Data("\(id.rawValue)|memory|\(space)".utf8))
    }

    /// Decrypts the vectors that a request added to the memory.
    func openMemory(_ data: Data, _ id: RequestID, _ space: String) throws -> Data {
        try unbox(data, master.memory, Data("\(id.rawValue)|memory|\(space)".utf8), "memory")
    }

    /// Encrypts the address and the secret of a webhook.
    func sealWebhook(_ data: Data, _ id: String) throws -> Data {
        try box(data, master.webhooks, Data("\(id)|webhook".utf8))
    }

    /// Decrypts the address and the secret of a webhook.
    func openWebhook(_ data: Data, _ id: String) throws -> Data {
        try unbox(data, master.webhooks, Data("\(id)|webhook".utf8), "webhook")
    }

    private func associated(_ id: RequestID, _ field: Field) -> Data {
        Data("\(id.rawValue)|\(field.rawValue)".utf8)
    }

    private func box(_ data: Data, _ key: SymmetricKey, _ associated: Data) throws -> Data {
        guard let combined = try? AES.GCM.seal(data, using: key, authenticating: associated).combined else {
            throw LetheError(.internalError, "encryption failed")
        }
        return combined
    }

    private func unbox(_ data: Data, _ key: SymmetricKey, _ associated: Data, _ what: String) throws -> Data {
        guard let box = try? AES.GCM.SealedBox(combined: data),
            let plain = try? AES.GCM.open(box, using: key, authenticating: associated)
        else {
            throw LetheError(.badData, "the stored \(what) cannot be decrypted: it was changed, or the master key was")
        }
        return plain
    }
}
