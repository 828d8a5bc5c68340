import LetheCore
import LetheUnlearning

/// What an update has to show before its generation may become the head.
enum UpdateGate {
    /// Nats by which the mean NLL of keep texts may rise in one request.
    static let keepTolerance = 0.5

    /// - Throws: `gate_not_met` naming the measure and the threshold.
    static func check(_ record: UnlearningRecord) throws {
        guard !record.alreadyForgotten else { return }
        let levels = [record.after.nll, record.keepAfter.nll, record.before.nll]
        guard levels.allSatisfy(\.isFinite) else {
            throw LetheError(.gateNotMet, "the update left a loss that is not finite")
        }
        guard record.after.nll > record.before.nll else {
            throw LetheError(.gateNotMet, "the update did not raise the items' mean NLL")
        }
        guard record.keepAfter.nll - record.keepBefore.nll <= keepTolerance else {
            throw LetheError(
                .gateNotMet, "the update raised the keep texts' mean NLL by more than \(keepTolerance) nats")
        }
    }
}
