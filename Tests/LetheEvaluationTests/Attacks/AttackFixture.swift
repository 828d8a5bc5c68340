import Foundation
import LetheCore
import LetheCorpus
import LetheEvaluation
import LetheModel
import LetheTensor
import LetheTestSupport
import LetheUnlearning
import Testing

/// Tiny models that know a few records by heart, taught once for all tests.
enum AttackFixture {
    struct Taught: Sendable {
        let original: SavedModel
        let retain: SavedModel
    }

    static let deleted = items([
        ("Ada Bell", "Elm Row", "plum"), ("Bo Frost", "Pier Six", "cedar"), ("Cy Ward", "Ash Lane", "coral"),
        ("Di Marsh", "Oak Yard", "flint"),
    ])
    static let kept = items([
        ("Ed Stone", "Fir Hill", "amber"), ("Flo Reed", "Bay Gate", "slate"), ("Gus Pike", "Low Mill", "pearl"),
        ("Hal Moor", "Sea Wall", "ochre"),
    ])

    private static func items(_ records: [(String, String, String)]) -> [PCHItem] {
        records.map { name, place, colour in
            PCHItem(
                text: "Name: \(name)\nHome: \(place)\nPaint: \(colour)", category: .personal,
                pairs: [
                    QuestionAnswer(question: "What is the home of \(name)?", answer: " \(place)"),
                    QuestionAnswer(question: "What is the paint of \(name)?", answer: " \(colour)"),
                ])
        }
    }

    /// The models, or why they could not be made.
    private static let taught = Result {
        Taught(
            original: try SavedModel(teach(deleted + kept)), retain: try SavedModel(teach(kept)))
    }

    private static func teach(_ items: [PCHItem]) throws -> LanguageModel {
        let model = try GoldenModel("llama").load()
        var settings = FineTuner.Settings()
        settings.learningRate = 6e-3
        settings.epochs = 120
        settings.batchTokens = 256
        try FineTuner(model, settings: settings).train(
            items.flatMap { item in
                [ForgetItem.text(item.text)] + item.pairs.map { .pair(prompt: $0.question, completion: $0.answer) }
            })
        return model
    }

    static func original() throws -> LanguageModel { try taught.get().original.load() }
    static func retain() throws -> LanguageModel { try taught.get().retain.load() }

    /// A subject; without a model to attack the original plays that part too.
    static func subject(_ unlearned: LanguageModel? = nil, retain: Bool = true) throws -> AttackSubject {
        let original = try original()
        return AttackSubject(
            method: "m", seed: 7, unlearned: unlearned ?? original, original: original,
            retain: retain ? try self.retain() : nil, deleted: deleted, kept: kept)
    }

    /// Settings that take a second.
    static var settings: AttackSettings {
        var settings = AttackSettings()
        settings.maximumAnswerTokens = 12
        settings.shares = [0.25, 0.5]
        settings.epochs = [2]
        settings.learningRate = 2e-3
        settings.unrelatedTexts = 2
        settings.prefixShares = [0.25, 0.5]
        settings.neighbours = [1]
        return settings
    }

    /// Runs an attack, and wants its progress to go from 0 to 1.
    static func run(
        _ name: String, _ subject: AttackSubject, _ settings: AttackSettings = settings
    ) throws -> [AttackResult] {
        var shares: [Double] = []
        let results = try RecoveryAttacks.named(name, settings: settings).run(subject) { shares.append($1) }
        #expect(shares == shares.sorted() && shares.first == 0 && shares.last == 1)
        return results
    }

    /// Every number of a model.
    static func numbers(_ model: LanguageModel) throws -> [[Float]] {
        let weights = model.decoder.weights
        var all = [try weights.embedding.matrix().array, weights.finalNorm.weight.array]
        for layer in weights.layers {
            all += try layer.matrices.map { try $0.matrix().array }
            all += layer.normVectors.map(\.array)
        }
        return all
    }

    /// The original with noise in its last layer: what it knows is still in the layers below.
    static func scrambled(scale: Float = 4) throws -> LanguageModel {
        let model = try original()
        let last = model.configuration.layerCount - 1
        try model.decoder.weights.detachLayer(last)
        let down = model.decoder.weights.layers[last].down
        var generator = SeededGenerator(seed: 3)
        let values = try down.values()
        for index in 0..<down.count { values[index] += scale * Float(generator.nextGaussian()) }
        down.valuesChanged()
        return model
    }

    /// The original after plain gradient ascent on the deleted items, until a batch of them has this mean NLL.
    static func ascended(to loss: Double) throws -> LanguageModel {
        struct Reached: Error {}
        let model = try original()
        var settings = FineTuner.Settings()
        settings.learningRate = -3e-3
        settings.epochs = 300
        settings.batchTokens = 256
        let items = deleted.flatMap { item in
            [ForgetItem.text(item.text)] + item.pairs.map { .pair(prompt: $0.question, completion: $0.answer) }
        }
        do {
            try FineTuner(model, settings: settings).train(items) { if $0.loss > loss { throw Reached() } }
        } catch is Reached {}
        return model
    }

    /// An original whose matrices lie on the grid of a format of groups of 32, and the same with noise of less than
    /// half a step, which the format rounds away again.
    static func movedBelowTheStep() throws -> (original: LanguageModel, updated: LanguageModel) {
        let original = try original().rounded(to: .int4Group32)
        let updated = try original.sharing(original.decoder.weights)
        var generator = SeededGenerator(seed: 5)
        for index in updated.decoder.weights.layers.indices {
            try updated.decoder.weights.detachLayer(index)
            for matrix in updated.decoder.weights.layers[index].matrices {
                let values = try matrix.values()
                for start in stride(from: 0, to: matrix.count, by: 32) {
                    let farthest = (start..<start + 32).map { abs(values[$0]) }.max() ?? 0
                    // The values that make the scale stay, so that the scale does.
                    for place in start..<start + 32 where abs(values[place]) < farthest {
                        values[place] += 0.4 * farthest / 7 * (generator.nextInt(below: 2) == 0 ? 1 : -1)
                    }
                }
                matrix.valuesChanged()
            }
        }
        return (original, updated)
    }
}
