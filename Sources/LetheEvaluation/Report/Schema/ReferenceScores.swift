/// A degree against each reference.
public struct ReferenceScores: Codable, Sendable, Equatable {
    /// Against the exact reference: the headline.
    public var exact: Double
    /// Against the published, interpolated one.
    public var interpolated: Double
    /// Against a retrained model; nil when there is none.
    public var retrained: Double?

    init(_ measured: Double, _ references: ReferenceValues, _ side: (SidePair) -> Double) {
        exact = DegreeScore.degree(measured: measured, reference: side(references.exact))
        interpolated = DegreeScore.degree(measured: measured, reference: side(references.interpolated))
        retrained = references.retrained.map { DegreeScore.degree(measured: measured, reference: side($0)) }
    }
}
