import LetheCore
import LetheEvaluation
import Testing

@Suite struct AreaUnderCurveTests {
    @Test func theAreaCountsPairsAndHalvesTies() throws {
        #expect(try AreaUnderCurve.deLong(lower: [1, 2], higher: [3, 4]).value == 1)
        #expect(try AreaUnderCurve.deLong(lower: [3, 4], higher: [1, 2]).value == 0)
        #expect(try AreaUnderCurve.deLong(lower: [1, 3], higher: [2, 4]).value == 0.75)
        #expect(try AreaUnderCurve.deLong(lower: [1, 1], higher: [1, 1]).value == 0.5)
        // Pairs: 2>1, 2=2, 5>1, 5>2: three and a half of four.
        #expect(try AreaUnderCurve.deLong(lower: [1, 2], higher: [2, 5]).value == 0.875)
    }

    /// Placements of both sets are 0.5 and 1, so each variance is 0.125 and their sum over two is 0.125.
    @Test func theDeLongIntervalIsAsWorkedByHand() throws {
        let area = try AreaUnderCurve.deLong(lower: [1, 3], higher: [2, 4])
        #expect(abs(area.lowerBound - (0.75 - 1.959963984540054 * 0.125.squareRoot())) < 1e-12)
        #expect(area.upperBound == 1)
        let wide = try AreaUnderCurve.deLong(lower: [1, 3], higher: [2, 4], level: 0.5)
        #expect(abs(wide.lowerBound - (0.75 - 0.6744897501960817 * 0.125.squareRoot())) < 1e-12)
    }

    @Test func theBootstrapRepeatsWithItsSeedAndHoldsTheArea() throws {
        var scores = SeededGenerator(seed: 3)
        let lower = (0..<60).map { _ in scores.nextGaussian() }
        let higher = (0..<40).map { _ in scores.nextGaussian() + 1 }
        var first = SeededGenerator(seed: 9)
        var second = SeededGenerator(seed: 9)
        let area = try AreaUnderCurve.bootstrap(lower: lower, higher: higher, generator: &first)
        #expect(try area == AreaUnderCurve.bootstrap(lower: lower, higher: higher, generator: &second))
        let deLong = try AreaUnderCurve.deLong(lower: lower, higher: higher)
        #expect(area.value == deLong.value)
        #expect(area.lowerBound < area.value && area.value < area.upperBound)
        #expect(abs(area.lowerBound - deLong.lowerBound) < 0.03)
        #expect(abs(area.upperBound - deLong.upperBound) < 0.03)
    }

    @Test func badInputIsAnError() {
        #expect(throws: LetheError.self) { try AreaUnderCurve.deLong(lower: [], higher: [1]) }
        #expect(throws: LetheError.self) { try AreaUnderCurve.deLong(lower: [.nan], higher: [1]) }
        #expect(throws: LetheError.self) { try AreaUnderCurve.deLong(lower: [0], higher: [1], level: 1) }
        var generator = SeededGenerator(seed: 1)
        #expect(throws: LetheError.self) {
            try AreaUnderCurve.bootstrap(lower: [0], higher: [1], resamples: 0, generator: &generator)
        }
    }
}
