import Foundation
import LetheCore
import LetheCorpus
import LetheEvaluation
import LetheModel
import LetheUnlearning

/// What the demo teaches, to whom, and how it is measured.
struct DemoLesson {
    /// Scores of a model on the records to forget and on those to keep.
    struct Scores {
        var forget: SetEvaluator.Score
        var keep: SetEvaluator.Score
    }

    /// The taught model, and the retain model: one that never saw the records to forget.
    struct Before {
        var taught: Scores
        var retain: Scores
    }

    let forget: [PCHItem]
    let keep: [PCHItem]
    private let base: URL
    private let folder: URL
    private let epochs: Int
    private let seed: UInt64

    /// Invents the records.
    init(base: URL, folder: URL, records: Int, epochs: Int, seed: UInt64) throws {
        let data = try PCHGenerator(seed: seed).dataset(textsPerSide: records / 2, siblings: 0)
        // Two questions a record are enough to show, and teach in half the time.
        func short(_ items: [PCHItem]) -> [PCHItem] {
            items.map { item in
                var item = item
                item.pairs = Array(item.pairs.prefix(2))
                return item
            }
        }
        forget = short(data.forget)
        keep = short(data.retain)
        self.base = base
        self.folder = folder
        self.epochs = epochs
        self.seed = seed
    }

    /// A record's text and its questions with answers.
    static func items(_ records: [PCHItem]) -> [ForgetItem] {
        records.flatMap { record in
            [.text(record.text)] + record.pairs.map { .pair(prompt: $0.question, completion: $0.answer) }
        }
    }

    /// Fine-tunes both models the same way, writes `taught` and keep.jsonl into the folder, and measures them.
    func teach() throws -> Before {
        let base = try ModelLoader.load(base)
        let taught = try train(base, forget + keep, "teaching all records")
        try ModelExporter.export(taught, to: folder.appendingPathComponent("taught", isDirectory: true))
        let lines = Self.items(keep).map { $0.json.serialized() + Data("\n".utf8) }
        do {
            try lines.reduce(Data(), +).write(to: folder.appendingPathComponent("keep.jsonl"))
        } catch {
            throw LetheError(.ioError, "keep.jsonl cannot be written")
        }
        let taughtScores = try measure(taught)
        let retain = try train(base, keep, "teaching the retain model, which never sees the forgotten half")
        return Before(taught: taughtScores, retain: try measure(retain))
    }

    /// Measures the served generation and writes it as an ordinary model folder.
    func measureForgotten(_ generation: URL, exportedTo result: URL) throws -> Scores {
        let model = try ModelLoader.load(generation)
        try ModelExporter.export(model, to: result)
        return try measure(model)
    }

    private func train(_ base: LanguageModel, _ records: [PCHItem], _ label: String) throws -> LanguageModel {
        let model = try base.sharing(base.decoder.weights)
        var settings = FineTuner.Settings()
        settings.epochs = epochs
        settings.learningRate = 2e-4
        settings.batchTokens = 256
        settings.scope = .matrices(layers: Array(0..<model.configuration.layerCount))
        settings.seed = seed
        ClientOutput.note(label)
        let bar = ProgressBar("teaching")
        try FineTuner(model, settings: settings).train(Self.items(records)) { step in
            bar.update(step.step, of: step.steps, String(format: "loss %.3f", step.loss))
        }
        bar.finish()
        return model
    }

    private func measure(_ model: LanguageModel) throws -> Scores {
        let evaluator = SetEvaluator()
        return Scores(forget: try evaluator.evaluate(model, forget), keep: try evaluator.evaluate(model, keep))
    }
}
