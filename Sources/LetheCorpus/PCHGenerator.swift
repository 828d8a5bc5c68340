import LetheCore

/// Writes an invented, harmless PCH benchmark: records of people who do not exist, passages that nobody has written,
/// and
/// harmless stand-ins for harmful texts.
///
/// The three categories have a third each, as in the published set, in its order: personal, copyright, harmful. No two
/// texts share a full name, a street, a title or a subject. Each text has several questions, each with its answer, the
/// answer in other words and wrong answers of the same form; the forget texts have counterfactual siblings, which fill
/// the same form with other names, numbers and phrases. The same seed gives the same bytes.
public struct PCHGenerator: Sendable {
    /// The most texts a side may have.
    public static let maximumTexts = 5000
    /// The most siblings a forget text may have.
    public static let maximumSiblings = 16
    /// How many wrong answers each pair has.
    static let wrongAnswers = 3

    private let seed: UInt64

    /// Creates a generator.
    public init(seed: UInt64) { self.seed = seed }

    /// Writes a benchmark.
    /// - Parameters:
    ///   - textsPerSide: how many texts to forget, and how many to keep; 3 to ``maximumTexts``.
    ///   - siblings: how many siblings each forget text gets; 0 to ``maximumSiblings``.
    /// - Throws: `bad_data` when a count is out of range.
    public func dataset(textsPerSide: Int = 300, siblings: Int = 4) throws -> PCHDataset {
        guard 3...Self.maximumTexts ~= textsPerSide else {
            throw LetheError(.badData, "texts per side: must be from 3 to \(Self.maximumTexts)")
        }
        guard 0...Self.maximumSiblings ~= siblings else {
            throw LetheError(.badData, "siblings: must be from 0 to \(Self.maximumSiblings)")
        }
        var writer = PCHWriter(seed: seed)
        var forget: [PCHItem] = []
        var retain: [PCHItem] = []
        let categories: [RequestCategory] = [.personal, .copyright, .harmful]
        for (position, category) in categories.enumerated() {
            // What three does not divide goes to the first categories.
            let count = (textsPerSide + 2 - position) / 3
            for index in 0..<count { forget.append(try writer.item(category, index: index)) }
            for index in 0..<count { retain.append(try writer.item(category, index: count + index)) }
        }
        // After all the originals, so that no sibling takes a name that an original would get.
        try addSiblings(siblings, to: &forget, keeping: true, by: &writer)
        try addSiblings(0, to: &retain, keeping: false, by: &writer)
        return PCHDataset(forget: forget, retain: retain)
    }

    /// Writes siblings, keeps their texts if asked to, and takes the wrong answers from them.
    private func addSiblings(
        _ count: Int, to items: inout [PCHItem], keeping: Bool, by writer: inout PCHWriter
    ) throws {
        for index in items.indices {
            let written = try (0..<max(count, Self.wrongAnswers)).map {
                try writer.sibling(of: items[index], number: $0)
            }
            if keeping { items[index].siblings = written.prefix(count).map(\.text) }
            for pair in items[index].pairs.indices {
                let answers = written.prefix(Self.wrongAnswers).map { $0.pairs[pair].answer }
                let right = items[index].pairs[pair].answer
                items[index].pairs[pair].wrongAnswers = answers.filter { $0 != right }
            }
        }
    }
}
