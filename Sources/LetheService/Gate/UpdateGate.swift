import Foundation
import LetheCore
import LetheUnlearning

/// Compares what an update measured with a policy.
package enum UpdateGate {
    /// The checks that say what the update did to keep texts.
    static let utilityChecks: Set<String> = ["keep_nll_rise", "keep_accuracy_loss"]

    /// The checks of one update.
    /// - Parameter recovery: what the recovery check found; nil when the policy does not ask for it.
    package static func verdict(
        _ record: UnlearningRecord, recovery: RecoveryFinding?, policy: GatePolicy
    ) -> GateVerdict {
        var verdict = GateVerdict()
        verdict.recovery = recovery
        let levels = [
            record.before.nll, record.after.nll, record.keepBefore.nll, record.keepAfter.nll,
            record.keepBefore.accuracy, record.keepAfter.accuracy,
        ]
        verdict.require("finite_losses", levels.allSatisfy(\.isFinite) ? 1 : 0, atLeast: 1)
        verdict.require("forget_nll_rise", record.after.nll - record.before.nll, atLeast: .leastNonzeroMagnitude)
        verdict.require("forget_shortfall", shortfall(record, policy), atMost: policy.targetTolerance)
        verdict.require(
            "keep_nll_rise", record.keepAfter.nll - record.keepBefore.nll, atMost: policy.maximumKeepRise)
        verdict.require(
            "keep_accuracy_loss", record.keepBefore.accuracy - record.keepAfter.accuracy,
            atMost: policy.maximumKeepAccuracyLoss)
        if policy.checksRecovery {
            verdict.require(
                "recovered_share", recovery?.recoveredShare(ignoringAbove: policy.forgottenLevel),
                atMost: policy.maximumRecoveredShare)
        }
        return verdict
    }

    /// Nats that the item which was forgotten least is short of its target; 0 when its tokens are improbable enough.
    /// Without a target the shortfall is from that probability.
    private static func shortfall(_ record: UnlearningRecord, _ policy: GatePolicy) -> Double? {
        guard !record.afterNLL.isEmpty else { return nil }
        let enough = policy.forgottenLevel
        var worst = 0.0
        for (index, level) in record.afterNLL.enumerated() {
            guard level.isFinite else { return nil }
            if level >= enough { continue }
            let hasTarget = record.targets.indices.contains(index)
            worst = max(worst, (hasTarget ? record.targets[index] : enough + policy.targetTolerance) - level)
        }
        return worst
    }
}
