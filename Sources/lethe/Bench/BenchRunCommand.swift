import ArgumentParser
import Foundation
import LetheCore
import LetheCorpus
import LetheEvaluation
import LetheModel
import LetheTensor
import LetheUnlearning

/// `lethe bench pch run`, and `lethe bench pch` alone: runs the benchmark.
struct BenchRunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run the benchmark.",
        discussion: """
            Teaches a model texts to forget and texts to keep, lets each method delete the first ones by one, and \
            measures after every fifth of them. The controls no-op, retain-model and ga are always there. Writes \
            result.json, report.md and report.html. An interrupted run goes on where it was when the same command is \
            given again.

            Methods: fit (Lethe's preset), fit-published, or one objective alone: \
            \(ForgetObjectives.names.joined(separator: ", ")). Modifiers follow after colons, as in \
            fit:no-filter:learning-rate=2e-4. They are \(BenchmarkModifier.flags.joined(separator: ", ")), and \
            KEY=VALUE with \(BenchmarkModifier.keys.joined(separator: ", ")).
            """)

    @Option(help: "quick: a tiny model made on the spot, 6 + 6 texts; standard: SmolLM2, 60 + 60; full: 300 + 300.")
    var preset = BenchmarkPreset.quick
    @Option(help: "The base model: a name in the store, a Hugging Face folder, or a .gguf file.")
    var model: String?
    @Option(help: "A PCH folder; invented texts unless given.")
    var data: String?
    @Option(help: "Seed of the invented texts.")
    var dataSeed: UInt64 = 7
    @Option(help: "Methods, separated by commas.")
    var methods = BenchmarkPreset.methods.joined(separator: ",")
    @Option(help: "Seeds of the stream, separated by commas.")
    var seeds: String?
    @Option(help: "The output folder.")
    var out = "pch-output"
    @Option(help: "Where taught models are kept between runs: ~/.cache/lethe/pch unless given.")
    var cache: String?
    @Option(help: "Recovery attacks on each method's final model: none, all, or names separated by commas.")
    var attacks = "none"
    @Option(help: "Threads of the engine; all processors unless given.")
    var threads: Int?
    @Option(help: "float32, bfloat16 or auto: the inputs of matrix products, in teaching, deleting and measuring.")
    var precision = PrecisionChoice.float32
    @Option(help: "Forget texts at most, each category in its share.")
    var limitForget: Int?
    @Option(help: "Retain texts at most.")
    var limitRetain: Int?
    @Option(help: "Questions of a text at most.")
    var limitQuestions: Int?
    @Option(help: "What a deletion request holds: text, or text+qa.")
    var requestItems = BenchmarkPlan.RequestItems.textAndPairs
    @Option(help: "Share of the retain texts that the methods get to keep, 0 to 1.")
    var keepShare = 0.5
    @Option(help: "Factor of every method's learning rate.")
    var learningRateScale: Double?
    @Option(help: "Width of the quick preset's model, a multiple of 16: wider ones take longer and tell texts apart.")
    var tinyWidth = 64
    @Option(help: "Learning rate of teaching.")
    var teachingLearningRate: Double?
    @Option(help: "Passes of teaching.")
    var teachingEpochs: Int?
    @Option(help: "Tokens of a batch of teaching.")
    var teachingBatchTokens: Int?
    @Option(help: "Texts of the base model's own on which its predictions are held in teaching; 0: none.")
    var teachingAnchorTexts: Int?
    @Option(help: "Folder of a sentence encoder for the redundancy filter.")
    var encoder: String?
    @Option(help: "A file of a utility task; may be repeated.")
    var utility: [String] = []
    @Option(help: "Layout of each --utility file in turn: mmlu, commonsense_qa, gsm8k or text; else guessed.")
    var utilityLayout: [UtilityTask.Layout] = []
    @Flag(help: "Also retrain a model at each checkpoint without exactly the texts deleted so far.")
    var retrained = false
    @Flag(help: "Also take ROUGE-L as published, of question and answer together.")
    var publishedRouge = false
    @Flag(help: "Begin anew, throwing away an interrupted run's work in the output folder.")
    var fresh = false
    @Option(help: "The store's folder, where --model is a name. Also read from LETHE_DATA_DIR.")
    var dataDir: String?
    @Flag(help: "Write result.json to standard output too, instead of the table.")
    var json = false
    @OptionGroup var daemon: DaemonOptions

    func validate() throws {
        typealias Bounds = RequestOptions.Bounds
        if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads must be from 1 to 1024") }
        for (name, value) in [
            ("limit-forget", limitForget), ("limit-retain", limitRetain), ("limit-questions", limitQuestions),
            ("teaching-batch-tokens", teachingBatchTokens),
        ] {
            if let value, !(1...1_000_000).contains(value) {
                throw ValidationError("--\(name) must be from 1 to 1000000")
            }
        }
        if let teachingLearningRate, !Bounds.learningRate.contains(teachingLearningRate) {
            throw ValidationError("--teaching-learning-rate must be from 1e-9 to 1")
        }
        if let teachingEpochs, !Bounds.epochs.contains(teachingEpochs) {
            throw ValidationError("--teaching-epochs must be from 1 to 1000")
        }
        if let teachingAnchorTexts, !(0...10_000).contains(teachingAnchorTexts) {
            throw ValidationError("--teaching-anchor-texts must be from 0 to 10000")
        }
        guard (16...1024).contains(tinyWidth), tinyWidth.isMultiple(of: 16) else {
            throw ValidationError("--tiny-width must be a multiple of 16 from 16 to 1024")
        }
        guard (0...1).contains(keepShare) else { throw ValidationError("--keep-share must be from 0 to 1") }
        if let learningRateScale, !(1e-6...1e6).contains(learningRateScale) {
            throw ValidationError("--learning-rate-scale must be from 1e-6 to 1e6")
        }
        guard utilityLayout.count <= utility.count else {
            throw ValidationError("--utility-layout is given more often than --utility")
        }
        if data == nil {
            let count = max(limitForget ?? preset.texts, limitRetain ?? preset.texts)
            guard count <= PCHGenerator.maximumTexts else {
                throw ValidationError("at most \(PCHGenerator.maximumTexts) texts of a side are invented")
            }
        }
        _ = try seedList()
    }

    func run() async throws {
        if let threads { Engine.threadCount = threads }
        let dataset = try readData()
        let dataName = data.map { URL(fileURLWithPath: $0).lastPathComponent }
        var plan = BenchmarkPlan(data: dataset, dataName: dataName ?? "invented, seed \(dataSeed)", modelName: "")
        plan.preset = preset.rawValue
        plan.methods = try methods.split(separator: ",").map { try BenchmarkMethod(String($0)) }
        plan.seeds = try seedList()
        plan.requestItems = requestItems
        plan.keepShare = keepShare
        plan.retrains = retrained
        plan.evaluator.measuresPublishedRouge = publishedRouge
        plan.attacks = try attackList()
        plan.utility = try utility.enumerated().map { index, path in
            try UtilityTask(
                URL(fileURLWithPath: path), layout: utilityLayout.indices.contains(index) ? utilityLayout[index] : nil)
        }
        let base = try await baseModel(dataset, &plan)
        base.decoder.precision = try precision.resolved()
        plan.recipe.precision = base.decoder.precision
        plan.recipe.learningRate = teachingLearningRate ?? plan.recipe.learningRate
        plan.recipe.epochs = teachingEpochs ?? plan.recipe.epochs
        plan.recipe.batchTokens = teachingBatchTokens ?? plan.recipe.batchTokens
        plan.recipe.anchorTexts = teachingAnchorTexts ?? plan.recipe.anchorTexts
        plan.rateScale = learningRateScale ?? plan.rateScale

        let output = URL(fileURLWithPath: out, isDirectory: true)
        let benchmark = PCHBenchmark(
            plan: plan, base: base,
            encoder: try encoder.map { try SentenceEncoder(URL(fileURLWithPath: $0, isDirectory: true)) },
            output: output, cache: cacheFolder, version: ProductVersion.current)
        let bar = ProgressBar("pch")
        var notes = ProgressNotes()
        let result = try benchmark.run(fresh ? .discard : .resume) { progress in
            bar.update(share: progress.overall, secondsLeft: progress.secondsLeft, progress.phase)
            if !bar.isShown { notes.update(progress) }
        }
        bar.finish()
        if json {
            ClientOutput.bytes(try result.json())
        } else {
            ClientOutput.line(TextReport.text(result))
            ClientOutput.line("Written: \(output.appendingPathComponent("report.html").path)")
        }
    }

    // MARK: Parts

    private func readData() throws -> PCHDataset {
        try preset.dataset(
            data.map { try PCHFolder.read(URL(fileURLWithPath: $0, isDirectory: true)) }, seed: dataSeed,
            forget: limitForget, retain: limitRetain, questions: limitQuestions)
    }

    /// The base model, and the plan's parts that depend on it.
    private func baseModel(_ dataset: PCHDataset, _ plan: inout BenchmarkPlan) async throws -> LanguageModel {
        guard model != nil || !preset.usesTinyModel else {
            plan.modelName = "tiny Llama, made on the spot"
            let tiny = TinyModel(hiddenSize: tinyWidth)
            plan.recipe = tiny.recipe
            plan.rateScale = TinyModel.rateScale
            return try tiny.make(for: dataset)
        }
        let name = model ?? BenchmarkPreset.model
        guard model != nil || FileManager.default.fileExists(atPath: name) else {
            throw LetheError(.missingInput, "the model file is not there; make models fetches it")
        }
        plan.modelName = URL(fileURLWithPath: name).lastPathComponent
        return try ModelLoader.load(try await ModelOptions.url(name, dataDir: dataDir, daemon))
    }

    private func seedList() throws -> [UInt64] {
        guard let seeds else { return preset.seeds }
        return try seeds.split(separator: ",").map { part in
            guard let seed = UInt64(part), seed <= UInt64(Int32.max) else {
                throw ValidationError("--seeds must be whole numbers from 0 to \(Int32.max), separated by commas")
            }
            return seed
        }
    }

    private func attackList() throws -> [String] {
        switch attacks {
        case "none": return []
        case "all": return RecoveryAttacks.names
        default:
            let names = attacks.split(separator: ",").map(String.init)
            guard names.allSatisfy(RecoveryAttacks.names.contains) else {
                throw LetheError(
                    .usage, "attacks: must be none, all, or some of \(RecoveryAttacks.names.joined(separator: ", "))")
            }
            return names
        }
    }

    private var cacheFolder: URL {
        if let cache { return URL(fileURLWithPath: cache, isDirectory: true) }
        let environment = ProcessInfo.processInfo.environment
        let root = environment["XDG_CACHE_HOME"] ?? "\(environment["HOME"] ?? "/var/tmp")/.cache"
        return URL(fileURLWithPath: root, isDirectory: true).appendingPathComponent("lethe/pch", isDirectory: true)
    }
}

extension BenchmarkPlan.RequestItems: ExpressibleByArgument {}
extension UtilityTask.Layout: ExpressibleByArgument {}
