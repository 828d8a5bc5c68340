import Foundation
import LetheCore

/// What a signature over the audit log says: that up to this entry the log has this hash.
struct AuditHead: Equatable {
    static let payloadType = "application/vnd.lethe.audit-head+json"

    /// The last entry.
    var sequence: Int64
    /// Its hash, 32 bytes.
    var hash: Data
    /// When it was signed.
    var at: Date

    var payload: Data {
        JSONValue.object(
            JSONObject([
                ("at", .string(Timestamp.string(at))), ("hash", .string(Hexadecimal.string(hash))),
                ("sequence", .integer(sequence)),
            ])
        ).serialized()
    }

    init(sequence: Int64, hash: Data, at: Date) {
        self.sequence = sequence
        self.hash = hash
        self.at = at
    }

    /// - Throws: ``LetheError`` with code `verification_failed` when the envelope is no head, or not signed by one of
    ///   the keys.
    init(_ envelope: SignedEnvelope, keys: [VerificationKey]) throws {
        try envelope.verify(keys)
        guard envelope.payloadType == Self.payloadType,
            let json = try? JSONParser.parse(envelope.payload, context: "head"),
            let sequence = json["sequence"]?.intValue, let at = json["at"]?.stringValue.flatMap(Timestamp.parse),
            let hash = json["hash"]?.stringValue.flatMap(Hexadecimal.data), hash.count == 32
        else { throw LetheError(.verificationFailed, "a signed document is no head of an audit log") }
        self.init(sequence: Int64(sequence), hash: hash, at: at)
    }
}
