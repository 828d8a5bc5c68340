import Foundation
import LetheCore

/// Follows an audit log from its first entry and checks that nothing was changed, left out, added or cut off.
struct AuditChain {
    private let keys: [VerificationKey]
    private(set) var report = AuditReport()
    private var last = AuditEntry.origin

    /// - Parameter keys: whose signatures count.
    init(keys: [VerificationKey]) { self.keys = keys }

    /// The next entry, as its text.
    /// - Throws: ``LetheError`` with code `verification_failed` naming the entry.
    mutating func append(_ text: String) throws -> AuditEntry {
        let entry: AuditEntry
        do { entry = try AuditEntry(text: text) } catch let error as LetheError {
            throw LetheError(.verificationFailed, "\(error.message), after entry \(report.entries)")
        }
        guard entry.sequence == report.entries + 1 else {
            throw LetheError(.verificationFailed, "entry \(report.entries + 1) of the audit log is missing")
        }
        guard entry.previous == last else {
            throw LetheError(
                .verificationFailed, "entry \(entry.sequence) does not follow the one before: one of them was changed")
        }
        last = AuditEntry.hash(text)
        report.entries = entry.sequence
        report.lastHash = Hexadecimal.string(last)
        report.lastAt = entry.at
        return entry
    }

    /// A signature over the log up to the entry that was appended last.
    /// - Throws: ``LetheError`` with code `verification_failed`.
    mutating func check(_ envelope: SignedEnvelope) throws {
        let head = try AuditHead(envelope, keys: keys)
        guard head.sequence == report.entries, head.hash == last else {
            throw LetheError(
                .verificationFailed, "the log is not what was signed at entry \(head.sequence): it was changed")
        }
        report.heads += 1
        report.signedEntries = head.sequence
        report.signedAt = head.at
        report.keyID = envelope.keyID
    }
}
