import LetheCore
import LetheCorpus

/// Starting points of a benchmark run; every part can be overridden.
public enum BenchmarkPreset: String, Sendable, CaseIterable {
    /// A tiny model made on the spot, 6 + 6 texts.
    case quick
    /// A real model, 60 + 60 texts.
    case standard
    /// A real model, 300 + 300 texts.
    case full

    /// Texts of each side.
    public var texts: Int {
        switch self {
        case .quick: 6
        case .standard: 60
        case .full: 300
        }
    }

    /// Questions of a text at most.
    public var questions: Int { self == .quick ? 2 : Int.max }

    /// Seeds of the stream; the full one's are those of the published runs.
    public var seeds: [UInt64] {
        switch self {
        case .quick: [20]
        case .standard: [20, 30]
        case .full: [20, 30, 40, 50]
        }
    }

    /// Whether a tiny model is made and taught on the spot.
    public var usesTinyModel: Bool { self == .quick }

    /// The methods under test.
    public static let methods = ["fit", "fit-published"]

    /// The texts of a run: those given, or invented ones, cut to a number of texts and questions.
    /// - Parameters:
    ///   - data: nil for invented ones.
    ///   - seed: of the invented ones.
    ///   - forget: forget texts at most; nil for the preset's number, as with the others.
    /// - Throws: `usage` for more texts than are invented.
    public func dataset(
        _ data: PCHDataset? = nil, seed: UInt64, forget: Int? = nil, retain: Int? = nil, questions: Int? = nil
    ) throws -> PCHDataset {
        let (forget, retain) = (forget ?? texts, retain ?? texts)
        var dataset =
            try data ?? PCHGenerator(seed: seed).dataset(textsPerSide: max(3, forget, retain), siblings: 0)
        dataset = dataset.prefix(forget: forget, retain: retain)
        let limit = questions ?? self.questions
        func short(_ items: [PCHItem]) -> [PCHItem] {
            items.map { item in
                var item = item
                item.pairs = Array(item.pairs.prefix(limit))
                return item
            }
        }
        dataset.forget = short(dataset.forget)
        dataset.retain = short(dataset.retain)
        return dataset
    }
}
