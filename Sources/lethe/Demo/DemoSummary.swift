import Foundation
import LetheCore
import LetheCorpus
import LetheEvaluation

/// What the demo found, as a table and as JSON.
struct DemoSummary {
    let lesson: DemoLesson
    let before: DemoLesson.Before
    let after: DemoLesson.Scores
    let requests: [JSONValue]
    let folder: URL
    let seconds: Double

    /// Forget Degree against the retain model on the same texts.
    var forgetDegree: Double {
        DegreeScore.degree(
            measured: after.forget.aggregate.value, reference: before.retain.forget.aggregate.value)
    }

    /// Retain Utility against the retain model on the same texts.
    var retainUtility: Double {
        DegreeScore.degree(measured: after.keep.aggregate.value, reference: before.retain.keep.aggregate.value)
    }

    /// Forgotten answers are gone: less than half of the way from never seen to known is left. Kept ones are there:
    /// at most a fifth of their probability is lost.
    var isConvincing: Bool {
        let known = before.taught.forget.aggregate.probability
        let unknown = before.retain.forget.aggregate.probability
        let left = after.forget.aggregate.probability
        return left < unknown + (known - unknown) / 4
            && after.keep.aggregate.probability > 0.8 * before.taught.keep.aggregate.probability
    }

    /// Lines of the table.
    var table: [String] {
        var lines = [
            "", "Forgotten records: probability of the answer, and the greedy answer, before and after", "",
        ]
        lines += rows(lesson.forget, before.taught.forget, after.forget)
        lines += ["", "Kept records", ""]
        lines += rows(lesson.keep, before.taught.keep, after.keep)
        lines += ["", Self.row("set", "taught", "forgotten", "retain model")]
        for (name, value) in [
            ("forget: answer probability", \AggregateScore.probability), ("forget: ROUGE-L", \.rougeL),
            ("forget: token accuracy", \.accuracy), ("forget: aggregate", \.value),
        ] as [(String, KeyPath<AggregateScore, Double>)] {
            lines.append(
                Self.row(
                    name, Self.number(before.taught.forget.aggregate[keyPath: value]),
                    Self.number(after.forget.aggregate[keyPath: value]),
                    Self.number(before.retain.forget.aggregate[keyPath: value])))
        }
        lines.append(
            Self.row(
                "keep: aggregate", Self.number(before.taught.keep.aggregate.value),
                Self.number(after.keep.aggregate.value), Self.number(before.retain.keep.aggregate.value)))
        lines += [
            "", "Forget Degree \(Self.number(forgetDegree))   Retain Utility \(Self.number(retainUtility))",
            "The model that has forgotten: \(folder.path)", "",
        ]
        return lines
    }

    /// The final object.
    var json: JSONValue {
        func scores(_ score: SetEvaluator.Score) -> JSONValue {
            .object(
                JSONObject([
                    ("probability", .number(score.aggregate.probability)), ("rouge_l", .number(score.aggregate.rougeL)),
                    ("accuracy", .number(score.aggregate.accuracy)), ("aggregate", .number(score.aggregate.value)),
                    ("mean_nll", .number(score.meanNLL)),
                ]))
        }
        func pair(_ pair: DemoLesson.Scores) -> JSONValue {
            .object(JSONObject([("forget", scores(pair.forget)), ("keep", scores(pair.keep))]))
        }
        return .object(
            JSONObject([
                ("forget_degree", .number(forgetDegree)), ("retain_utility", .number(retainUtility)),
                ("taught", pair(before.taught)), ("forgotten", pair(after)), ("retain_model", pair(before.retain)),
                ("requests", .array(requests)), ("model_folder", .string(folder.path)), ("seconds", .number(seconds)),
            ]))
    }

    private func rows(_ records: [PCHItem], _ before: SetEvaluator.Score, _ after: SetEvaluator.Score) -> [String] {
        records.indices.flatMap { index -> [String] in
            let record = records[index]
            guard let pair = record.pairs.first, let was = before.items[index].probabilities.first,
                let now = after.items[index].probabilities.first
            else { return [] }
            return [
                "\(record.category.letter)  \(pair.question)",
                "   before \(Self.number(was))  \(Self.clip(before.items[index].answers.first ?? ""))",
                "   after  \(Self.number(now))  \(Self.clip(after.items[index].answers.first ?? ""))",
            ]
        }
    }

    private static func number(_ value: Double) -> String { String(format: "%.3f", value) }

    private static func row(_ name: String, _ cells: String...) -> String {
        name + String(repeating: " ", count: max(0, 28 - name.count))
            + cells.map { String(repeating: " ", count: max(1, 14 - $0.count)) + $0 }.joined()
    }

    private static func clip(_ text: String) -> String {
        let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
        return line.count > 90 ? line.prefix(87) + "..." : line
    }
}
