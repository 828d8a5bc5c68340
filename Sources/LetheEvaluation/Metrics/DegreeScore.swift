/// Forget Degree and Retain Utility: how close a measured aggregate is to its reference value.
public enum DegreeScore {
    /// `max(0, 1 − |measured / reference − 1|)`, in [0, 1].
    ///
    /// The same formula serves both: on the deleted texts it is the Forget Degree, on the kept ones the Retain Utility.
    /// It has two sides: missing the reference from below costs as much as from above, and 0 or twice the reference
    /// both give 0.
    /// - Parameters:
    ///   - measured: the aggregate of the model under test.
    ///   - reference: the aggregate it should have.
    /// - Returns: 0 when the reference is 0 or either value is not finite.
    public static func degree(measured: Double, reference: Double) -> Double {
        guard measured.isFinite, reference.isFinite, reference != 0 else { return 0 }
        return max(0, 1 - abs(measured / reference - 1))
    }

    /// The published reference value: linear in the share of the stream that is done.
    ///
    /// It runs from the original model's aggregate on the whole set to the retain model's on the whole set, while the
    /// measured value is taken on the texts deleted so far only. Early in the stream the reference is therefore close
    /// to the original model's level and doing nothing scores better than deleting perfectly. It is there to be
    /// compared with published tables; the reference to trust is the retain model measured on the very same texts.
    /// - Parameters:
    ///   - original: the original model's aggregate on the whole set.
    ///   - retain: the retain model's aggregate on the whole set.
    ///   - share: requests done divided by all requests, held within [0, 1].
    public static func interpolatedReference(original: Double, retain: Double, share: Double) -> Double {
        original + (retain - original) * min(max(share, 0), 1)
    }

    /// The share of the gap to the original model that an attack brought back.
    /// - Parameters:
    ///   - before: the unlearned model's score before the attack.
    ///   - after: its score after the attack.
    ///   - original: the original model's score.
    /// - Returns: 0 for none, 1 for all of it, negative when the attack forgot more; nil when there was no gap: when the
    ///   unlearned model scores no lower than a thousandth under the original one.
    public static func recoveredShare(before: Double, after: Double, original: Double) -> Double? {
        let gap = original - before
        guard gap.isFinite, after.isFinite, gap > max(1e-12, abs(original) * 1e-3) else { return nil }
        return (after - before) / gap
    }
}
