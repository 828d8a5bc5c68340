import LetheCorpus

/// The steps of an attack, counted for its progress.
struct AttackSteps {
    private let items: [PCHItem]
    private let total: Int
    private var done = 0
    private let progress: (String, Double) throws -> Void

    /// Runs `body` with a counter of `total` steps.
    static func counting<Result>(
        _ total: Int, _ subject: AttackSubject, _ progress: (String, Double) throws -> Void,
        _ body: (inout AttackSteps) throws -> Result
    ) throws -> Result {
        try withoutActuallyEscaping(progress) { progress in
            var steps = AttackSteps(items: subject.deleted, total: max(1, total), progress: progress)
            let result = try body(&steps)
            try progress("done", 1)
            return result
        }
    }

    private init(items: [PCHItem], total: Int, progress: @escaping (String, Double) throws -> Void) {
        self.items = items
        self.total = total
        self.progress = progress
    }

    /// One step, told before it begins; the body gets the deleted texts.
    mutating func next<Result>(_ words: String, _ body: ([PCHItem]) throws -> Result) throws -> Result {
        try progress(words, Double(done) / Double(total))
        done += 1
        return try body(items)
    }
}
