import Foundation
import LetheEvaluation
import Testing

@Suite struct DegreeScoreTests {
    @Test func theAggregateIsTheGeometricMeanInPercent() {
        let score = AggregateScore(probability: 0.008, rougeL: 0.064, accuracy: 0.512)
        #expect(abs(score.value - 6.4) < 1e-12)
        #expect(AggregateScore(probability: 1, rougeL: 1, accuracy: 1).value == 100)
        #expect(AggregateScore(probability: 0.9, rougeL: 0, accuracy: 0.9).value == 0)
    }

    @Test(arguments: [
        (40.0, 40.0, 1.0), (44, 40, 0.9), (36, 40, 0.9), (80, 40, 0), (100, 40, 0), (0, 40, 0), (40, 0, 0), (0, 0, 0),
    ])
    func theDegreeHasTwoSides(measured: Double, reference: Double, expected: Double) {
        #expect(abs(DegreeScore.degree(measured: measured, reference: reference) - expected) < 1e-12)
    }

    @Test func aValueThatIsNoNumberScoresNothing() {
        #expect(DegreeScore.degree(measured: .nan, reference: 40) == 0)
        #expect(DegreeScore.degree(measured: 40, reference: .infinity) == 0)
    }

    /// Original model at 90, retain model at 40: with the published reference doing nothing beats deleting perfectly
    /// early in the stream.
    @Test(arguments: [(60, 80.0, 0.875, 0.5), (120, 70, 0.7142857142857143, 0.5714285714285714), (300, 40, 0, 1)])
    func theInterpolatedReferenceFavoursDoingNothing(done: Int, target: Double, noOp: Double, perfect: Double) {
        let reference = DegreeScore.interpolatedReference(original: 90, retain: 40, share: Double(done) / 300)
        #expect(abs(reference - target) < 1e-12)
        #expect(abs(DegreeScore.degree(measured: 90, reference: reference) - noOp) < 1e-12)
        #expect(abs(DegreeScore.degree(measured: 40, reference: reference) - perfect) < 1e-12)
    }

    @Test func recoveredIsTheShareOfTheGap() {
        #expect(DegreeScore.recoveredShare(before: 10, after: 28, original: 90) == 0.225)
        #expect(DegreeScore.recoveredShare(before: 10, after: 10, original: 90) == 0)
        #expect(DegreeScore.recoveredShare(before: 10, after: 2, original: 90) == -0.1)
        #expect(DegreeScore.recoveredShare(before: 90, after: 90, original: 90) == nil)
    }
}
