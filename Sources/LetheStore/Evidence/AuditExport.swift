import Foundation
import LetheCore

/// Checks an exported audit log without a store.
public enum AuditExport {
    /// Checks the lines that ``LetheDatabase/exportAudit(_:)`` wrote.
    /// - Parameters:
    ///   - keys: whose signatures count.
    ///   - nextLine: the next line without its end; nil after the last.
    /// - Throws: ``LetheError`` with code `verification_failed` when anything was changed, left out or added, when the
    ///   last entry is not signed, or when a signature is another key's.
    public static func verify(keys: [VerificationKey], nextLine: () throws -> Data?) throws -> AuditReport {
        var chain = AuditChain(keys: keys)
        while let line = try nextLine() {
            guard let text = String(validating: line, as: UTF8.self) else {
                throw LetheError(.verificationFailed, "a line of the log is not UTF-8")
            }
            // An entry's canonical text begins with its first key, an envelope's with another.
            if text.hasPrefix("{\"action\":") {
                _ = try chain.append(text)
                continue
            }
            let envelope: SignedEnvelope
            do { envelope = try SignedEnvelope(line) } catch {
                throw LetheError(
                    .verificationFailed,
                    "the line after entry \(chain.report.entries) is neither an entry nor a signature")
            }
            try chain.check(envelope)
        }
        let report = chain.report
        guard report.entries > 0 else { throw LetheError(.verificationFailed, "the log is empty") }
        guard report.signedEntries == report.entries else {
            throw LetheError(
                .verificationFailed,
                "\(report.entries - report.signedEntries) entries at the end of the log are not signed")
        }
        return report
    }
}
