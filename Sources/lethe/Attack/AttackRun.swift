import Foundation
import LetheCore
import LetheCorpus
import LetheEvaluation
import LetheModel

/// Loads what an attack works on, and writes what it found.
struct AttackRun {
    let options: AttackOptions
    let dataset: PCHDataset
    let subject: AttackSubject
    private let dataName: String
    private let modelDigest: String
    private let start = Date()

    /// Reads the data, then the models.
    /// - Throws: `conflict` for an output folder that exists, and what reading throws.
    init(_ options: AttackOptions) async throws {
        self.options = options
        if let out = options.out, FileManager.default.fileExists(atPath: out) {
            throw LetheError(.conflict, "the output folder exists already")
        }
        let folder = URL(fileURLWithPath: options.data, isDirectory: true)
        dataName = folder.lastPathComponent
        var dataset = try PCHFolder.read(folder)
        if let file = options.deleted {
            dataset.forget = try DeletedTexts.read(file, known: dataset.forget)
            dataset.forgetQuestionsAreDerived = false
        }
        if let limit = options.limit { dataset = dataset.prefix(forget: limit, retain: limit) }
        self.dataset = dataset
        var retain: LanguageModel?
        if let name = options.retain { retain = try await Self.load(options.model, name) }
        subject = AttackSubject(
            method: "unlearned", seed: options.seed, unlearned: try await Self.load(options.model, options.model.model),
            original: try await Self.load(options.model, options.original),
            retain: retain, deleted: dataset.forget, kept: dataset.retain)
        // Before the attack, so that a model that cannot be described costs no attack.
        modelDigest = try subject.unlearned.contentDigest()
    }

    /// Loads a model as `--model` is loaded.
    static func load(_ options: ModelOptions, _ name: String) async throws -> LanguageModel {
        var options = options
        options.model = name
        return try ModelLoader.load(await options.url())
    }

    /// Runs one recovery attack, reports it, and checks the gate.
    /// - Throws: `gate_not_met`, and what the attack throws.
    func recover(_ name: String, _ settings: AttackSettings, described: [String: String], gate: RecoveryGate) throws {
        let attack = try RecoveryAttacks.named(name, settings: settings)
        guard !gate.beyondRetain || subject.retain != nil else {
            throw LetheError(.usage, "--beyond-retain needs a model given with --retain")
        }
        let bar = ProgressBar(name)
        let results = try attack.run(subject) { words, share in
            bar.update(Int((share * 1000).rounded()), of: 1000, words)
        }
        bar.finish()
        try report(attacks: results, settings: described)
        guard let limit = gate.failAbove else { return }
        let above = results.compactMap { result in gate.share(of: result).map { (result: result, share: $0) } }
            .filter { $0.share > limit }
        guard let worst = above.max(by: { $0.share < $1.share }) else { return }
        throw LetheError(
            .gateNotMet,
            "\(above.count) of \(results.count) results recover more than \(limit) of the gap; the most is "
                + String(format: "%.3f", worst.share)
                + ": \(worst.result.attack), \(worst.result.variant), \(worst.result.measure)")
    }

    /// Writes the output folder and standard output.
    func report(
        attacks: [AttackResult] = [], membership: [ModelMembership]? = nil, settings: [String: String] = [:]
    ) throws {
        let model = subject.unlearned
        var digest = ContentDigest()
        digest.add(dataset.contentBytes)
        let result = EvaluationResult(
            kind: "attack", createdAt: Timestamp.string(Date()), durationSeconds: Date().timeIntervalSince(start),
            letheVersion: ProductVersion.current,
            model: ModelDescription(
                name: URL(fileURLWithPath: options.model.model).lastPathComponent,
                architecture: model.config["model_type"]?.stringValue ?? "unknown", parameters: model.parameterCount,
                layers: model.configuration.layerCount, digest: modelDigest),
            data: DataDescription(dataset, name: dataName, digest: digest.hexadecimal), machine: .current,
            seeds: [options.seed], settings: settings, attacks: attacks, membership: membership,
            notes: dataset.notes
                + (subject.retain == nil
                    ? ["There was no retain model, so nothing tells recovering from learning anew."] : []))
        if let out = options.out { try ReportWriter.write(result, to: URL(fileURLWithPath: out, isDirectory: true)) }
        if options.json {
            ClientOutput.bytes(try result.json())
        } else {
            ClientOutput.bytes(Data(MarkdownReport.attackTables(result).utf8))
        }
    }
}
