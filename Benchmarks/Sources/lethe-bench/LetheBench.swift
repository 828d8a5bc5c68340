import ArgumentParser
import Foundation
import LetheCore
import LetheModel
import LetheTensor
import LetheUnlearning

/// The engine's side of the comparisons that run.py makes; each subcommand prints one JSON object.
@main
struct LetheBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lethe-bench",
        subcommands: [Request.self, Train.self, Decode.self, Masking.self, Filter.self, Peak.self])

    struct Options: ParsableArguments {
        @Option var model: String
        @Option var runs = 5

        func load() throws -> LanguageModel { try ModelLoader.load(URL(fileURLWithPath: model)) }
    }

    /// A text of exactly some tokens, cut from a list of words; the same for the same seed.
    static func text(_ model: LanguageModel, tokens: Int, seed: UInt64) throws -> String {
        let words = "lantern harbour willow copper orchard ferry granite meadow violin anchor saffron timber".split(
            separator: " ")
        var generator = SeededGenerator(seed: seed)
        var text = "Name:"
        while try model.encode(text).count < tokens { text += " " + words[generator.nextInt(below: words.count)] }
        return text
    }

    /// One deletion request with the published settings.
    struct Request: ParsableCommand {
        @OptionGroup var options: Options
        @Option var encoder: String
        @Option var tokens = 60
        @Option(help: "Vectors in the memory before the request.") var remembered = 0
        @Option(help: "exact or gradient.") var targeting = "exact"
        @Option(help: "float32 or bfloat16.") var precision = "float32"
        @Flag(help: "Every run has a text of another length, from --tokens up.") var vary = false

        func run() throws {
            let original = try options.load()
            guard let precision = Precision(rawValue: precision) else { throw ValidationError("--precision") }
            original.decoder.precision = precision
            let encoder = try SentenceEncoder(URL(fileURLWithPath: encoder, isDirectory: true))
            let memory = ForgetMemory(dimension: encoder.dimension)
            var generator = SeededGenerator(seed: 1)
            for start in stride(from: 0, to: remembered, by: 1000) {
                try memory.append(
                    (start..<min(start + 1000, remembered)).map { _ in
                        let vector = (0..<encoder.dimension).map { _ in Float(generator.nextGaussian()) }
                        let norm = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
                        return vector.map { $0 / norm }
                    })
            }
            let texts = try (0...self.options.runs).map {
                try LetheBench.text(original, tokens: tokens + (vary ? $0 : 0), seed: 3)
            }
            var options = RequestOptions()
            options.preset = "published"
            options.targeting = targeting
            let settings = try UnlearningSettings(options)
            var run = 0
            var phases: [String: [Double]] = [:]
            var objective = ""
            let measurement = try Measurement(runs: self.options.runs) {
                let model = try original.sharing(original.decoder.weights)
                let unlearner = Unlearner(model: model, original: original, embedder: encoder, memory: memory)
                let request = ErasureRequest(category: .personal, items: [.text(texts[run])])
                let record = try unlearner.apply(request, settings: settings).record
                objective = record.objective
                if run > 0 { for (phase, seconds) in record.seconds { phases[phase, default: []].append(seconds) } }
                run += 1
            }
            Measurement.emit(
                "request",
                [
                    ("precision", .string(precision.rawValue)), ("targeting", .string(targeting)),
                    ("varied_length", .bool(vary)),
                    ("tokens", .integer(Int64(tokens))), ("remembered", .integer(Int64(remembered))),
                    ("objective", .string(objective)), ("seconds", measurement.json),
                    (
                        "phases",
                        .object(
                            JSONObject(phases.sorted { $0.key < $1.key }.map { ($0.key, Measurement($0.value).json) }))
                    ),
                ])
        }
    }

    /// Tokens a second of one training step on 1,024 packed tokens.
    struct Train: ParsableCommand {
        @OptionGroup var options: Options
        @Option var precision = "float32"
        @Option var rows = 8
        @Option var length = 128

        func run() throws {
            let model = try options.load()
            guard let precision = Precision(rawValue: precision) else { throw ValidationError("--precision") }
            model.decoder.precision = precision
            let layers = Array(0..<model.configuration.layerCount)
            let parameters = try TrainableParameters(model.decoder, scope: .matrices(layers: layers))
            let optimizer = AdamW(parameters)
            var generator = SeededGenerator(seed: 5)
            let sequences = (0..<rows).map { _ in
                TrainingSequence(
                    ids: (0..<length).map { _ in Int32(generator.nextInt(below: model.configuration.vocabularySize)) })
            }
            let pass = TrainingPass(model.decoder, parameters: parameters)
            let measurement = try Measurement(runs: options.runs) {
                parameters.clearGradients()
                let count = Float(sequences.reduce(0) { $0 + $1.targetCount })
                try pass.run(sequences) { _ in
                    sequences.map { .crossEntropy(coefficients: Array(repeating: 1 / count, count: $0.ids.count - 1)) }
                }
                try optimizer.step(learningRate: 3e-5)
            }
            let tokens = rows * length
            Measurement.emit(
                "train_step",
                [
                    ("precision", .string(precision.rawValue)), ("tokens", .integer(Int64(tokens))),
                    ("seconds", measurement.json), ("tokens_per_second", .number(Double(tokens) / measurement.median)),
                ])
        }
    }

    /// Greedy tokens a second through the key-value cache.
    struct Decode: ParsableCommand {
        @OptionGroup var options: Options
        @Option var batch = 1
        @Option var newTokens = 64

        func run() throws {
            let model = try options.load()
            var generator = SeededGenerator(seed: 2)
            let prompts = (0..<batch).map { _ in
                (0..<32).map { _ in Int32(100 + generator.nextInt(below: 10_000)) }
            }
            var made = 0
            var textGenerator = TextGenerator(maximumNewTokens: newTokens)
            textGenerator.batchSize = batch
            let measurement = try Measurement(runs: options.runs) {
                made = try textGenerator.generate(model, prompts: prompts).reduce(0) { $0 + $1.count }
            }
            Measurement.emit(
                "decode",
                [
                    ("batch", .integer(Int64(batch))), ("new_tokens", .integer(Int64(made))),
                    ("seconds", measurement.json), ("tokens_per_second", .number(Double(made) / measurement.median)),
                ])
        }
    }

    /// Choosing layers: exact, by gradient, and L + 1 whole forward passes.
    struct Masking: ParsableCommand {
        @OptionGroup var options: Options
        @Option var tokens = 60

        func run() throws {
            let model = try options.load()
            let sequence = TrainingSequence(
                ids: Array(try model.encode(LetheBench.text(model, tokens: tokens, seed: 3)).prefix(tokens)))
            let exact = try Measurement(runs: options.runs) { _ = try LayerMasking.measure(model, sequence) }
            let gradient = try Measurement(runs: options.runs) {
                _ = try GradientInspection(model, [sequence], withLayerNorms: false)
            }
            let forwards = try Measurement(runs: options.runs) {
                for _ in 0...model.configuration.layerCount { _ = try model.statistics(PackedBatch([sequence.ids])) }
            }
            let masking = try LayerMasking.measure(model, sequence)
            let inspection = try GradientInspection(model, [sequence], withLayerNorms: false)
            let estimated = LayerTargeting.largest(
                inspection.estimatedMaskedLosses.map { abs($0 - inspection.loss) }, count: 8)
            let overlap = Set(LayerTargeting.largest(masking.changes, count: 8)).intersection(estimated).count
            Measurement.emit(
                "masking",
                [
                    ("tokens", .integer(Int64(tokens))), ("exact", exact.json), ("gradient", gradient.json),
                    ("forwards", forwards.json), ("exact_ratio", .number(exact.median / forwards.median)),
                    ("gradient_ratio", .number(gradient.median / forwards.median)),
                    ("top8_overlap", .integer(Int64(overlap))),
                ])
        }
    }

    /// One chunk against a memory of many.
    struct Filter: ParsableCommand {
        @Option var chunks = 1_000_000
        @Option var dimension = 384
        @Option var runs = 9

        func run() throws {
            var generator = SeededGenerator(seed: 1)
            let memory = ForgetMemory(dimension: dimension)
            let block = (0..<1000).map { _ in (0..<dimension).map { _ in Float(generator.nextUniform() - 0.5) } }
            for _ in 0..<chunks / 1000 { try memory.append(block) }
            let measurement = try Measurement(runs: runs) { _ = try memory.largestCosines([block[7]]) }
            Measurement.emit("filter", [("chunks", .integer(Int64(memory.count))), ("seconds", measurement.json)])
        }
    }

    /// The largest matrix-product speed of the machine at the model's shapes, in GFLOP/s.
    struct Peak: ParsableCommand {
        @Option var precision = "float32"
        @Option var runs = 9

        func run() throws {
            guard let precision = Precision(rawValue: precision) else { throw ValidationError("--precision") }
            let (rows, outputs, inputs) = (1024, 3072, 576)
            let x = try Matrix(zeros: rows, columns: inputs)
            let y = try Matrix(zeros: rows, columns: outputs)
            let weight = WeightMatrix(try FloatBuffer(zeros: outputs * inputs), rows: outputs, columns: inputs)
            let measurement = try Measurement(runs: runs) {
                for _ in 0..<10 { try Linear.forward(x, weight, into: y, precision: precision) }
            }
            let flops = 20.0 * Double(rows * outputs * inputs)
            Measurement.emit(
                "peak",
                [
                    ("precision", .string(precision.rawValue)), ("seconds", measurement.json),
                    ("gflops", .number(flops / (measurement.values.min() ?? .nan) * 1e-9)),
                ])
        }
    }
}
