import Foundation
import LetheCore
import LetheEvaluation
import Testing

@Suite struct RougeTests {
    @Test func everyGoldenCaseEqualsTheReferenceLibrary() throws {
        let cases = try Fixture.cases("rouge/golden.json")
        #expect(cases.count > 100)
        for (index, item) in cases.enumerated() {
            let target = try #require(item["target"]?.stringValue)
            let prediction = try #require(item["prediction"]?.stringValue)
            for (key, score) in [
                ("rouge1", Rouge.n(1, target: target, prediction: prediction)),
                ("rouge2", Rouge.n(2, target: target, prediction: prediction)),
                ("rougeL", Rouge.l(target: target, prediction: prediction)),
            ] {
                let expected = try #require(item[key]?.arrayValue).compactMap(\.doubleValue)
                try #require(expected.count == 3)
                let actual = [score.precision, score.recall, score.fMeasure]
                for (value, golden) in zip(actual, expected) {
                    #expect(abs(value - golden) <= 1e-12, "case \(index), \(key)")
                }
            }
        }
    }

    @Test func everyGoldenStemEqualsTheReferenceLibrary() throws {
        let cases = try Fixture.cases("rouge/porter.json")
        #expect(cases.count > 1000)
        for item in cases {
            let pair = try #require(item.arrayValue).compactMap(\.stringValue)
            try #require(pair.count == 2)
            #expect(PorterStemmer.stem(pair[0]) == pair[1])
        }
    }

    @Test func wordsAreRunsOfLettersAndDigits() {
        #expect(Rouge.tokens("It's 3.14, isn't IT?", stemming: false) == ["it", "s", "3", "14", "isn", "t", "it"])
        #expect(Rouge.tokens("naïve 数据 — ", stemming: false) == ["na", "ve"])
        #expect(Rouge.tokens("runs running", stemming: true) == ["run", "run"])
        // Three letters are not stemmed.
        #expect(Rouge.tokens("dies its", stemming: true) == ["die", "its"])
    }

    @Test func withoutStemmingInflectionsDiffer() {
        #expect(Rouge.l(target: "running cats", prediction: "runs cat").fMeasure == 1)
        #expect(Rouge.l(target: "running cats", prediction: "runs cat", stemming: false).fMeasure == 0)
    }

    @Test func anImpossibleSizeScoresNothing() {
        #expect(Rouge.n(0, target: "a b", prediction: "a b") == .zero)
        #expect(Rouge.n(3, target: "a b", prediction: "a b") == .zero)
    }
}
