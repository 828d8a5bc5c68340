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
    /// How long it takes to insert one submission.
    private var inserting = MovingAverage(100e-6)

    /// Adds a submission.
    /// - Returns: whether the caller has to schedule a drain.
    mutating func add(_ entry: Entry) -> Bool {
        waiting.append(entry)
        defer { drainIsScheduled = true }
        return !drainIsScheduled
    }

    /// How many submissions a batch takes at most: so many that inserting them takes twice as long as a commit.
    ///
    /// With all that wait in one batch every client would be answered at the same moment and come back at the same
    /// moment, and the writer and the rest of the daemon would take turns instead of working at the same time. With
    /// very few a slow disk would set the pace.
    /// - Parameter commitTime: seconds that a commit takes.
    private func batchSize(_ commitTime: Double) -> Int {
        Int(max(8, min(256, 2 * commitTime / inserting.seconds)))
    }

    /// Takes note of how long inserting a batch took.
    mutating func record(count: Int, inserting duration: Duration) { inserting.add(duration / max(1, count)) }

    /// Takes the oldest submissions, as many as make a batch and about `bytes` of payload at most, at least one.
    /// An empty result ends the drain.
    /// - Parameter commitTime: seconds that a commit takes.
    mutating func take(bytes: Int, commitTime: Double) -> [Entry] {
        let count = batchSize(commitTime)
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
