import Foundation
import LetheCore
import LetheEvaluation
import Testing

@Suite struct StatisticsTests {
    @Test func theTestOfTwoSamplesIsExactForSmallOnes() throws {
        // Two apart from two: 2 of the 6 orders are as extreme; three from three: 2 of 20.
        let two = try KolmogorovSmirnov([1, 2], [3, 4])
        #expect(two.statistic == 1)
        #expect(abs(two.pValue - 1.0 / 3) < 1e-12)
        #expect(abs(try KolmogorovSmirnov([1, 2, 3], [4, 5, 6]).pValue - 0.1) < 1e-12)
        // A distance of 2/3 with three each: 8 of the 20 lattice paths stay closer.
        let three = try KolmogorovSmirnov([1, 2, 4], [3, 5, 6])
        #expect(abs(three.statistic - 2.0 / 3) < 1e-12)
        #expect(abs(three.pValue - 0.6) < 1e-12)
        // Unequal sizes: one against three at the far end, 2 of the 4 places are that extreme.
        #expect(abs(try KolmogorovSmirnov([0], [1, 2, 3]).pValue - 0.5) < 1e-12)
    }

    @Test func equalSamplesAreNotToldApart() throws {
        let same = try KolmogorovSmirnov([1, 2, 3, 4], [1, 2, 3, 4])
        #expect(same.statistic == 0)
        #expect(same.pValue == 1)
    }

    @Test func theLimitDistributionAgreesWithTheExactOne() throws {
        var generator = SeededGenerator(seed: 4)
        func sample(_ count: Int, _ shift: Double) -> [Double] {
            (0..<count).map { _ in generator.nextGaussian() + shift }
        }
        // 3,000 by 3,000 is exact, 3,300 by 3,300 is not; the same statistic has to give nearly the same p-value.
        let exact = try KolmogorovSmirnov(sample(3000, 0), sample(3000, 0.03))
        let limit = try KolmogorovSmirnov(sample(3300, 0), sample(3300, 0.03))
        func expected(_ test: KolmogorovSmirnov, _ count: Double) -> Double {
            let lambda = (count / 2).squareRoot() * test.statistic
            var sum = 0.0
            for k in 1...20 {
                let term = exp(-2 * Double(k * k) * lambda * lambda)
                sum += k.isMultiple(of: 2) ? -term : term
            }
            return 2 * sum
        }
        #expect(abs(exact.pValue - expected(exact, 3000)) < 0.02)
        #expect(abs(limit.pValue - expected(limit, 3300)) < 0.02)
    }

    @Test func anEmptySampleIsAnError() {
        #expect(throws: LetheError.self) { try KolmogorovSmirnov([], [1]) }
        #expect(throws: LetheError.self) { try KolmogorovSmirnov([1], [.nan]) }
    }

    @Test func rankCorrelations() {
        #expect(RankCorrelation.spearman([1, 2, 3, 4], [10, 20, 30, 40]) == 1)
        #expect(RankCorrelation.spearman([1, 2, 3, 4], [4, 3, 2, 1]) == -1)
        // Ranks differ by 1, 1, 0, 0: 1 - 6*2/(4*15) = 0.8.
        #expect(RankCorrelation.spearman([1, 2, 3, 4], [2, 1, 3, 4]).map { abs($0 - 0.8) < 1e-12 } == true)
        // Five pairs agree and one does not.
        #expect(RankCorrelation.kendall([1, 2, 3, 4], [2, 1, 3, 4]).map { abs($0 - 4.0 / 6) < 1e-12 } == true)
        // A tie in one list: 5 untied pairs there, 6 in the other, all five agree.
        #expect(
            RankCorrelation.kendall([1, 1, 2, 3], [1, 2, 3, 4]).map { abs($0 - 5 / 30.0.squareRoot()) < 1e-12 } == true)
        #expect(RankCorrelation.spearman([1, 1], [1, 2]) == nil)
        #expect(RankCorrelation.spearman([1], [1]) == nil)
        #expect(RankCorrelation.kendall([1, 2], [1]) == nil)
        #expect(RankCorrelation.spearman([1, .nan], [1, 2]) == nil)
    }

    @Test func topOverlapComparesTheLargest() {
        #expect(RankCorrelation.topOverlap([9, 8, 1, 0], [9, 0, 8, 1], count: 2) == 0.5)
        #expect(RankCorrelation.topOverlap([1, 1, 1], [1, 1, 1], count: 2) == 1)
        #expect(RankCorrelation.topOverlap([1, 2], [2, 1], count: 5) == 1)
        #expect(RankCorrelation.topOverlap([1, 2], [2, 1], count: 0) == nil)
    }

    @Test func theTruthRatioComparesWrongWithRight() {
        // Right 1/2; wrong 1/4 and 1/16, whose geometric mean is 1/8.
        let ratio = TruthRatio.ratio(correct: [log(0.5)], wrong: [[log(0.25)], [log(1 / 16), log(1 / 16)]])
        #expect(ratio.map { abs($0 - 0.25) < 1e-9 } == true)
        #expect(TruthRatio.ratio(correct: [-1], wrong: []) == nil)
        #expect(TruthRatio.ratio(correct: [-1], wrong: [[]]) == nil)
        #expect(TruthRatio.forgetAggregate([0.5, 2, 0]) == 1.0 / 3)
        #expect(TruthRatio.retainAggregate([0.5, 2, 0]) == 0.5)
        #expect(TruthRatio.forgetAggregate([]) == nil)
    }

    @Test func summaries() {
        let summary = SampleSummary([1, 2, 3, 4])
        #expect(summary.mean == 2.5)
        #expect(abs(summary.variance - 5.0 / 3) < 1e-12)
        #expect(summary.minimum == 1 && summary.maximum == 4)
        #expect(SampleSummary([7]).standardDeviation == 0)
        #expect(SampleSummary([]).mean == 0)
        #expect(SampleSummary.quantile(0.5, ofSorted: [0, 10]) == 5)
        #expect(SampleSummary.quantile(2, ofSorted: [0, 10]) == 10)
        #expect(SampleSummary.quantile(0.5, ofSorted: []) == 0)
    }

    @Test func theFrontHoldsWhatNothingBeats() {
        let points = [(0.2, 0.9), (0.5, 0.5), (0.4, 0.4), (0.9, 0.1), (0.9, 0.05), (0.5, 0.5), (Double.nan, 1)]
        #expect(ParetoFront.indices(of: points) == [0, 1, 3])
        #expect(ParetoFront.indices(of: [(1, 1), (0, 1), (1, 0)]) == [0])
        #expect(ParetoFront.indices(of: []).isEmpty)
    }
}
