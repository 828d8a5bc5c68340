import Foundation
import LetheCore
import LetheCorpus
import LetheEvaluation

/// An invented result with everything in it that a report shows.
enum SampleResult {
    /// Methods with the levels that their curves end at.
    private static let methods:
        [(name: String, label: String, role: MethodResult.Role, forget: Double, retain: Double)] = [
            ("lethe", "Lethe", .method, 31, 88), ("fit", "FIT, published", .method, 48, 61),
            ("ga-satimp", "GA + SatImp", .method, 38, 70), ("npo-kl", "NPO + KL", .method, 42, 81),
            ("simnpo", "SimNPO", .method, 20, 64), ("random-label", "Random label", .method, 12, 35),
            ("rmu", "RMU", .method, 55, 84), ("no-op", "No-op", .control, 90, 89),
            ("retain-model", "Retain model", .control, 30, 89), ("ga-all", "GA, all layers", .control, 0.2, 0.4),
        ]

    static func make(seeds: [UInt64] = [20, 30]) throws -> EvaluationResult {
        var generator = SeededGenerator(seed: 1)
        var dataset = try PCHGenerator(seed: 1).dataset(textsPerSide: 60, siblings: 0)
        dataset.retainQuestionsAreDerived = true
        var requests: [RequestRecord] = []
        let methods = methods.map { method in
            let runs = seeds.map { seed in
                let checkpoints = [12, 24, 36, 48, 60].map { deleted in
                    checkpoint(deleted, forget: method.forget, retain: method.retain, &generator)
                }
                if method.role == .method {
                    for position in 1...60 {
                        let seconds = (0.4 + Double(method.label.count) / 20) * (0.85 + 0.3 * generator.nextUniform())
                        requests.append(
                            RequestRecord(
                                method: method.name, seed: seed, position: position,
                                category: ["personal", "copyright", "harmful"][position % 3], steps: 3 + position % 4,
                                seconds: seconds + (method.name == "fit" ? 0.03 * Double(position) : 0),
                                phaseSeconds: ["update": seconds * 0.7, "targeting": seconds * 0.3],
                                peakMemoryBytes: (900 + method.label.count * 20 + position) << 20))
                    }
                }
                return MethodResult.Run(seed: seed, checkpoints: checkpoints)
            }
            return MethodResult(
                name: method.name, label: method.label, role: method.role,
                settings: method.role == .method ? ["layers": "8", "learning_rate": "1e-4"] : [:], runs: runs)
        }
        var attacks: [AttackResult] = []
        for (name, before, after) in [("lethe", 31.0, 36.0), ("fit", 48.0, 71), ("ga-satimp", 38.0, 60)] {
            for (index, variant) in ["10 % of the forget set, 1 epoch", "20 %, 3 epochs", "50 %, 5 epochs"].enumerated()
            {
                attacks.append(
                    AttackResult(
                        attack: "relearn", variant: variant, method: name, seed: 20, before: before,
                        after: before + (after - before) * Double(index + 1) / 3, original: 90, retain: 30,
                        retainAfter: 30 + 2 * Double(index + 1)))
            }
            for (index, variant) in ["int8, per channel", "int4, groups of 32", "NF4", "GGUF Q4_0"].enumerated() {
                attacks.append(
                    AttackResult(
                        attack: "quantize", variant: variant, method: name, before: before,
                        after: before + Double(index), original: 90, retain: 30))
            }
        }
        attacks.append(
            AttackResult(
                attack: "probe", variant: "logit lens", method: "lethe", measure: "answer probability", before: 0.01,
                after: 0.06, original: 0.92, retain: 0.01,
                series: [
                    .init(name: "unlearned", values: (0..<30).map { 0.06 * Double($0) / 29 }),
                    .init(name: "original", values: (0..<30).map { 0.92 * pow(Double($0) / 29, 3) }),
                    .init(name: "retain", values: (0..<30).map { 0.01 * Double($0) / 29 }),
                ]))
        return EvaluationResult(
            createdAt: "2026-01-02T03:04:05.000Z", durationSeconds: 5130, letheVersion: "0.1.0",
            model: ModelDescription(
                name: "smollm2", architecture: "llama", parameters: 134_515_008, layers: 30,
                digest: String(repeating: "ab", count: 32)),
            data: DataDescription(dataset, name: "sample", digest: String(repeating: "cd", count: 32)),
            machine: MachineDescription(
                processor: "Example CPU", threads: 2, instructionSet: "avx512_core_bf16", memoryBytes: 24 << 30,
                system: "Linux"),
            seeds: seeds, settings: ["preset": "standard", "epochs": "12"],
            baselines: [
                Baseline(name: "original", forget: metrics(90, texts: 60), retain: metrics(89, texts: 60)),
                Baseline(name: "retain", forget: metrics(30, texts: 60), retain: metrics(89, texts: 60)),
            ],
            methods: methods, attacks: attacks,
            utility: [
                UtilityResult(
                    task: "general", layout: "mmlu", measure: "accuracy", items: 40, method: "lethe", score: 0.31,
                    original: 0.325)
            ],
            requests: requests, notes: ["forget.json: index 3 has the same text as retain.json: index 7"])
    }

    /// Metrics whose three parts are equal and give the aggregate.
    static func metrics(_ aggregate: Double, texts: Int, membership: [MembershipResult] = []) -> SetMetrics {
        let part = aggregate / 100
        return SetMetrics(
            texts: texts, pairs: texts * 4, probability: part, rougeL: part, accuracy: part,
            extractionStrength: part / 2, exactMemorisation: part, meanNLL: 4 * (1 - part),
            perplexity: exp(4 * (1 - part)),
            truthRatio: 1 - part, membership: membership)
    }

    private static func checkpoint(
        _ deleted: Int, forget: Double, retain: Double, _ generator: inout SeededGenerator
    ) -> CheckpointResult {
        let share = Double(deleted) / 60
        func noisy(_ value: Double) -> Double { max(0, value * (1 + 0.03 * generator.nextGaussian())) }
        // The reference is measured on the same texts, so the retain model matches it.
        let isRetainModel = forget == 30
        let forgetLevel = isRetainModel ? 30 : noisy(forget * (1 + 0.2 * (1 - share)))
        let retainLevel = isRetainModel ? 89 : noisy(89 + (retain - 89) * share)
        let area = try? AreaUnderCurve.deLong(lower: [1, 2, 3, 5], higher: [4, 6, 7, 2.5])
        let membership = deleted == 60 ? area.map { [MembershipResult(score: "loss", area: $0)] } ?? [] : []
        return CheckpointResult(
            deleted: deleted, total: 60, forget: metrics(forgetLevel, texts: deleted, membership: membership),
            retain: metrics(retainLevel, texts: 60),
            remaining: deleted < 60 ? metrics(85, texts: 60 - deleted) : nil,
            reference: ReferenceValues(
                exact: SidePair(forget: 30, retain: 89),
                interpolated: SidePair(
                    forget: DegreeScore.interpolatedReference(original: 90, retain: 30, share: share), retain: 89)),
            categories: ["personal", "copyright", "harmful"].map {
                CategoryResult(
                    category: $0, forget: metrics(forgetLevel, texts: deleted / 3),
                    retain: metrics(retainLevel, texts: 20),
                    reference: SidePair(forget: 30, retain: 89))
            })
    }
}
