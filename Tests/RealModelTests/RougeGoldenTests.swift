import LetheCore
import LetheEvaluation
import Testing

/// ROUGE against the `rouge-score` package.
@Suite struct RougeGoldenTests {
    @Test func precisionRecallAndFMatch() throws {
        let cases = try RealModels.golden("smollm2").list("rouge")
        #expect(cases.count >= 10)
        for example in cases {
            let target = try example.text("target")
            let prediction = try example.text("prediction")
            let scores = [
                ("rougeL", Rouge.l(target: target, prediction: prediction)),
                ("rouge1", Rouge.n(1, target: target, prediction: prediction)),
                ("rouge2", Rouge.n(2, target: target, prediction: prediction)),
            ]
            for (name, score) in scores {
                let expected = try example.member(name)
                #expect(try abs(score.precision - expected.number("p")) <= 1e-6)
                #expect(try abs(score.recall - expected.number("r")) <= 1e-6)
                #expect(try abs(score.fMeasure - expected.number("f")) <= 1e-6)
            }
        }
    }
}
