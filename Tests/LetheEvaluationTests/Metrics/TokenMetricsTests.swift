import Foundation
import LetheEvaluation
import Testing

@Suite struct TokenMetricsTests {
    private func isClose(_ value: Double?, _ expected: Double) -> Bool {
        value.map { abs($0 - expected) < 1e-12 } ?? false
    }

    @Test func answerProbabilityIsTheGeometricMean() {
        // Probabilities 1/2 and 1/8: their geometric mean is 1/4.
        #expect(isClose(TokenMetrics.answerProbability([log(0.5), log(0.125)]), 0.25))
        #expect(isClose(TokenMetrics.meanNLL([-1, -2, -6]), 3))
        #expect(TokenMetrics.answerProbability([]) == nil)
        #expect(TokenMetrics.answerProbability([-.infinity]) == 0)
    }

    @Test func perplexityWeighsTokensNotTexts() {
        // Four tokens of probability 1/4 in two texts of unequal length.
        #expect(isClose(TokenMetrics.perplexity([[log(0.25)], [log(0.25), log(0.25), log(0.25)]]), 4))
        #expect(isClose(TokenMetrics.perplexity([[0], [log(1 / 16), 0, 0]]), 2))
        #expect(TokenMetrics.perplexity([]) == nil)
        #expect(TokenMetrics.perplexity([[-.infinity]]) == .infinity)
    }

    @Test func accuracyIsTheShareOfEqualTokens() {
        #expect(TokenMetrics.accuracy(predicted: [1, 2, 3, 4], actual: [1, 0, 3, 0]) == 0.5)
        #expect(TokenMetrics.accuracy(predicted: [1], actual: [1, 2]) == nil)
        #expect(TokenMetrics.accuracy(predicted: [], actual: []) == nil)
        #expect(TokenMetrics.exactMemorisation(predicted: [1, 2, 3, 4], actual: [1, 0, 3, 4]) == 0.75)
    }

    @Test func extractionStrengthIsTheRightSuffix() {
        #expect(TokenMetrics.extractionStrength(predicted: [9, 2, 3, 4], actual: [1, 2, 3, 4]) == 0.75)
        #expect(TokenMetrics.extractionStrength(predicted: [1, 2, 9, 4], actual: [1, 2, 3, 4]) == 0.25)
        #expect(TokenMetrics.extractionStrength(predicted: [1, 2, 3, 4], actual: [1, 2, 3, 4]) == 1)
        #expect(TokenMetrics.extractionStrength(predicted: [1, 2, 3, 9], actual: [1, 2, 3, 4]) == 0)
        #expect(TokenMetrics.extractionStrength(predicted: [], actual: []) == nil)
    }
}
