import Foundation
import LetheCore

/// Submissions that wait for the next transaction; many clients then share one fsync.
struct SubmitQueue {
    /// A submission with everything encrypted and digested, ready to be inserted.
    struct Entry: Sendable {
        let id: RequestID
        let request: ErasureRequest
        let wrappedKey: Data
        let summary: Data
        let payload: Data
        let referenceDigest: Data?
        let keyDigest: Data
        let fingerprint: Data
        let actor: AuditActor
        let continuation: CheckedContinuation<SubmitOutcome, any Error>
    }

    private var waiting: [Entry] = []
    private var drainIsScheduled = false

    /// Adds a submission.
    /// - Returns: whether the caller has to schedule a drain.
    mutating func add(_ entry: Entry) -> Bool {
        waiting.append(entry)
        defer { drainIsScheduled = true }
        return !drainIsScheduled
    }

    /// Takes the oldest submissions, at most `count` and about `bytes` of payload, at least one.
    /// An empty result ends the drain.
    mutating func take(count: Int, bytes: Int) -> [Entry] {
        var taken = 0
        var size = 0
        while taken < min(count, waiting.count), taken == 0 || size + waiting[taken].payload.count <= bytes {
            size += waiting[taken].payload.count
            taken += 1
        }
        let batch = Array(waiting.prefix(taken))
        waiting.removeFirst(taken)
        if batch.isEmpty { drainIsScheduled = false }
        return batch
    }
}
