/// Keeps a share of a sequence's tokens and drops the rest (Yang et al. 2025, the hard-sampling control of section 5).
///
/// The threshold is the (1 - share) quantile of the nll, linear between order statistics; tokens above it are the
/// hardest, tokens below it the others. The published code adds kept tokens up where Lethe averages over all of them;
/// ``GradientAscent/isSum`` is that way.
public struct HardSampling: Sendable, Equatable {
    /// The name for the tokens that the model predicts worst.
    public static let hardestName = "top-k"
    /// The name for the rest.
    public static let easiestName = "bottom-k"
    /// Whether the tokens above the threshold are kept, or those below.
    public var keepsHardest: Bool
    /// Share of the tokens above the threshold, 0 to 1.
    public var share: Double

    /// The published share.
    public init(keepsHardest: Bool, share: Double = 0.15) {
        self.keepsHardest = keepsHardest
        self.share = share
    }

    /// 1 for the kept tokens of a sequence, 0 for the rest.
    public func weights(_ nll: [Float]) -> [Float] {
        guard !nll.isEmpty else { return [] }
        let sorted = nll.sorted()
        let place = min(max(0, 1 - share), 1) * Double(sorted.count - 1)
        let below = sorted[Int(place)]
        let above = sorted[min(Int(place) + 1, sorted.count - 1)]
        let threshold = below + Float(place - place.rounded(.down)) * (above - below)
        return nll.map { (keepsHardest ? $0 > threshold : $0 < threshold) ? 1 : 0 }
    }
}
