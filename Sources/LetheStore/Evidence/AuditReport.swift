import Foundation
import LetheCore

/// What a check of an audit log found in order.
public struct AuditReport: Sendable, Equatable {
    /// How many entries there are.
    public internal(set) var entries: Int64 = 0
    /// The hash of the last one, in hexadecimal.
    public internal(set) var lastHash = ""
    /// When the last entry was made.
    public internal(set) var lastAt: Date?
    /// How many signed heads there are.
    public internal(set) var heads = 0
    /// The last entry that a signature covers.
    public internal(set) var signedEntries: Int64 = 0
    /// When that signature was made.
    public internal(set) var signedAt: Date?
    /// The key that made it.
    public internal(set) var keyID: String?
    /// Certificates that were checked; nil where only a log was there to check.
    public internal(set) var certificates: Int?
    /// Requests whose state was compared with the log; nil where only a log was there.
    public internal(set) var requests: Int?

    /// The report as an object.
    public var json: JSONValue {
        var object = JSONObject()
        object["valid"] = true
        object["entries"] = .integer(entries)
        object["last_hash"] = .string(lastHash)
        object["last_at"] = lastAt.map { .string(Timestamp.string($0)) } ?? .null
        object["heads"] = .integer(Int64(heads))
        object["signed_entries"] = .integer(signedEntries)
        object["signed_at"] = signedAt.map { .string(Timestamp.string($0)) } ?? .null
        object["key_id"] = keyID.map { .string($0) } ?? .null
        object["certificates"] = certificates.map { .integer(Int64($0)) } ?? .null
        object["requests"] = requests.map { .integer(Int64($0)) } ?? .null
        return .object(object)
    }
}
