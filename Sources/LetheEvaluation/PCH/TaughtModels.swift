import Foundation
import LetheCore
import LetheCorpus
import LetheModel
import LetheUnlearning

/// Models that were taught some texts, made once and kept in a cache folder.
///
/// An entry is a Hugging Face folder named by the SHA-256 of the base model's content, the texts with their questions
/// in order, and the recipe. It is made under another name and renamed when it is complete; an entry that cannot be
/// read is made again.
public struct TaughtModels {
    private let base: LanguageModel
    private let baseDigest: String
    private let recipe: TeachingRecipe
    private let cache: URL

    /// Prepares for teaching; nothing is computed or written yet.
    public init(base: LanguageModel, baseDigest: String, recipe: TeachingRecipe, cache: URL) {
        self.base = base
        self.baseDigest = baseDigest
        self.recipe = recipe
        self.cache = cache
    }

    /// Texts and pairs as they are taught.
    static func lessons(_ items: [PCHItem]) -> [ForgetItem] {
        items.flatMap { item in
            [.text(item.text)] + item.pairs.map { .pair(prompt: $0.question, completion: $0.answer) }
        }
    }

    /// The entry's name.
    func key(_ items: [PCHItem]) -> String {
        var digest = ContentDigest()
        digest.add("lethe taught model 1")
        digest.add(baseDigest)
        for (name, value) in recipe.settings.sorted(by: { $0.key < $1.key }) { digest.add("\(name)=\(value)") }
        for lesson in Self.lessons(items) { digest.add(lesson.json.serialized()) }
        return String(digest.hexadecimal.prefix(32))
    }

    /// Whether the model is in the cache.
    func isCached(_ items: [PCHItem]) -> Bool { FileManager.default.fileExists(atPath: folder(items).path) }

    /// The model that was taught these texts and their questions; the base model for none.
    /// - Parameter progress: called after each step of teaching, and not at all for a cached model; throwing from it
    ///   ends the teaching and leaves nothing behind.
    /// - Throws: what teaching and writing throw.
    public func model(
        _ items: [PCHItem], progress: (FineTuner.Step) throws -> Void = { _ in }
    ) throws -> LanguageModel {
        let folder = folder(items)
        let manager = FileManager.default
        if manager.fileExists(atPath: folder.path) {
            if let cached = try? ModelLoader.load(folder, loading) { return cached }
            try? manager.removeItem(at: folder)
        }
        let taught = try base.sharing(base.decoder.weights)
        if !items.isEmpty {
            let settings = recipe.tuner(base.configuration)
            let anchor = try PredictionAnchor(writtenBy: base, count: recipe.anchorTexts, seed: recipe.seed)
            try FineTuner(taught, settings: settings, anchor: anchor).train(Self.lessons(items), progress: progress)
        }
        removeLeftovers()
        let staging = cache.appendingPathComponent("making-\(UUID().uuidString)", isDirectory: true)
        defer { try? manager.removeItem(at: staging) }
        try ModelExporter.export(taught, to: staging)
        do {
            try manager.moveItem(at: staging, to: folder)
        } catch {
            // Another process may have made the same entry in the meantime.
            guard manager.fileExists(atPath: folder.path) else {
                throw LetheError(.ioError, "the taught model cannot be put into the cache")
            }
        }
        // Read back, so that a run with a full cache and one with an empty cache work on the same model.
        return try ModelLoader.load(folder, loading)
    }

    /// Removes what a process that was killed while it wrote an entry left behind; another process may be writing now, so
    /// only what is a day old.
    private func removeLeftovers() {
        let manager = FileManager.default
        for entry in (try? manager.contentsOfDirectory(atPath: cache.path)) ?? [] where entry.hasPrefix("making-") {
            let url = cache.appendingPathComponent(entry)
            let date = (try? manager.attributesOfItem(atPath: url.path))?[.modificationDate] as? Date
            if let date, date < Date(timeIntervalSinceNow: -86_400) { try? manager.removeItem(at: url) }
        }
    }

    private var loading: ModelLoader.Options { ModelLoader.Options(precision: recipe.precision) }

    private func folder(_ items: [PCHItem]) -> URL { cache.appendingPathComponent(key(items), isDirectory: true) }
}
