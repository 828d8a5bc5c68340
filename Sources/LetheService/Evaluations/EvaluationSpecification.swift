import Foundation
import LetheCore
import LetheCorpus
import LetheEvaluation
import LetheModel

/// What an evaluation runs: the PCH benchmark on invented texts, as `lethe bench pch` does.
///
/// The texts come from a seed: a caller hands over no text and no path.
public struct EvaluationSpecification: Sendable, Equatable {
    /// Bounds of the fields.
    public enum Bounds {
        /// Methods, the controls not counted.
        public static let methods = 16
        /// Characters of a method with its modifiers.
        public static let methodCharacters = 200
        /// Seeds.
        public static let seeds = 16
        /// Values of a seed.
        public static let seed = 0...Int(Int32.max)
        /// Questions of a text.
        public static let questions = 1...1000
    }

    /// Where the other fields start from.
    public var preset = BenchmarkPreset.quick
    /// The name of a model in the store; nil for the tiny one that is made on the spot.
    public var model: String?
    /// The methods under test.
    public var methods = BenchmarkPreset.methods
    /// Seeds of the stream; nil for the preset's.
    public var seeds: [UInt64]?
    /// Seed of the invented texts.
    public var dataSeed: UInt64 = 7
    /// Texts to forget; nil for the preset's number.
    public var forget: Int?
    /// Texts to retain; nil for the preset's number.
    public var retain: Int?
    /// Questions of a text at most; nil for the preset's number.
    public var questions: Int?
    /// What a deletion request holds.
    public var requestItems = BenchmarkPlan.RequestItems.textAndPairs
    /// Share of the retain texts that the methods get to keep.
    public var keepShare = 0.5
    /// Recovery attacks on each method's final model.
    public var attacks: [String] = []
    /// Whether a model is retrained at each checkpoint.
    public var retrained = false

    private static let fields: Set<String> = [
        "kind", "preset", "model", "methods", "seeds", "data_seed", "forget", "retain", "questions", "request_items",
        "keep_share", "attacks", "retrained",
    ]

    /// Reads a body.
    /// - Throws: `bad_data` or `limit_exceeded`, beginning with the pointer of the field.
    public init(json: JSONValue) throws {
        let reader = try FieldReader(json, pointer: "")
        try reader.allowOnly(Self.fields)
        guard try reader.required(reader.string("kind"), "kind") == "pch" else {
            throw reader.error("kind", "must be pch")
        }
        preset = try Self.word(reader, "preset", BenchmarkPreset.self) ?? .quick
        model = try reader.string("model")
        if let model, !ModelName.isValid(model) { throw reader.error("model", ModelName.rule) }
        guard model != nil || preset.usesTinyModel else { throw reader.error("model", "is missing") }
        methods = try Self.methods(reader) ?? BenchmarkPreset.methods
        seeds = try Self.seeds(reader)
        dataSeed = try reader.integer("data_seed", in: Bounds.seed).map { UInt64($0) } ?? 7
        forget = try reader.integer("forget", in: 1...PCHGenerator.maximumTexts)
        retain = try reader.integer("retain", in: 1...PCHGenerator.maximumTexts)
        questions = try reader.integer("questions", in: Bounds.questions)
        requestItems = try Self.word(reader, "request_items", BenchmarkPlan.RequestItems.self) ?? .textAndPairs
        keepShare = try reader.number("keep_share", in: 0...1) ?? 0.5
        attacks = try Self.attacks(reader)
        retrained = try reader.boolean("retrained") ?? false
    }

    /// Every field, the ones that were left out among them.
    public var json: JSONValue {
        func integer(_ value: Int?) -> JSONValue { value.map { .integer(Int64($0)) } ?? .null }
        let questions = questions ?? preset.questions
        return [
            "kind": "pch", "preset": .string(preset.rawValue), "model": model.map { .string($0) } ?? .null,
            "methods": .array(methods.map { .string($0) }),
            "seeds": .array((seeds ?? preset.seeds).map { .integer(Int64(clamping: $0)) }),
            "data_seed": .integer(Int64(clamping: dataSeed)), "forget": integer(forget ?? preset.texts),
            "retain": integer(retain ?? preset.texts),
            "questions": questions == Int.max ? .null : integer(questions),
            "request_items": .string(requestItems.rawValue), "keep_share": .number(keepShare),
            "attacks": .array(attacks.map { .string($0) }), "retrained": .bool(retrained),
        ]
    }

    /// Reads what ``json`` made, as the store keeps it.
    /// - Throws: as ``init(json:)``.
    init(stored: JSONValue) throws {
        let entries = stored.objectValue?.entries ?? []
        try self.init(json: .object(JSONObject(entries.filter { $0.value != .null }.map { ($0.key, $0.value) })))
    }

    /// The plan of the run, and the model that it starts from.
    /// - Parameter folder: of the model's generation; nil for one that is made on the spot.
    /// - Throws: what making the texts and loading the model throw.
    func plan(model folder: URL?) throws -> (plan: BenchmarkPlan, base: LanguageModel) {
        let data = try preset.dataset(seed: dataSeed, forget: forget, retain: retain, questions: questions)
        var plan = BenchmarkPlan(data: data, dataName: "invented, seed \(dataSeed)", modelName: "")
        plan.preset = preset.rawValue
        plan.methods = try methods.map { try BenchmarkMethod($0) }
        plan.seeds = seeds ?? preset.seeds
        plan.requestItems = requestItems
        plan.keepShare = keepShare
        plan.attacks = attacks
        plan.retrains = retrained
        if let folder {
            plan.modelName = model ?? "a model of the store"
            return (plan, try ModelLoader.load(folder))
        }
        plan.modelName = "tiny Llama, made on the spot"
        let tiny = TinyModel()
        plan.recipe = tiny.recipe
        plan.rateScale = TinyModel.rateScale
        return (plan, try tiny.make(for: data))
    }

    // MARK: Fields

    private static func word<Word: RawRepresentable & CaseIterable>(
        _ reader: FieldReader, _ name: String, _: Word.Type
    ) throws -> Word? where Word.RawValue == String {
        guard let text = try reader.string(name) else { return nil }
        guard let word = Word(rawValue: text) else {
            throw reader.error(name, "must be one of \(Word.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return word
    }

    private static func list(_ reader: FieldReader, _ name: String, _ counts: ClosedRange<Int>) throws -> [JSONValue]? {
        guard let values = try reader.array(name) else { return nil }
        guard counts.contains(values.count) else {
            throw LetheError(
                values.count > counts.upperBound ? .limitExceeded : .badData,
                "/\(name): \(values.count) entries; \(counts.lowerBound) to \(counts.upperBound) are possible")
        }
        return values
    }

    private static func methods(_ reader: FieldReader) throws -> [String]? {
        var known: Set<String> = []
        return try list(reader, "methods", 1...Bounds.methods)?.enumerated().map { index, value in
            guard let text = value.stringValue, text.utf8.count <= Bounds.methodCharacters,
                (try? BenchmarkMethod(text)) != nil
            else {
                let names = BenchmarkMethod.baseNames.joined(separator: ", ")
                throw LetheError(.badData, "/methods/\(index): must be one of \(names), with modifiers it may have")
            }
            guard known.insert(text).inserted else { throw LetheError(.badData, "/methods/\(index): is there twice") }
            return text
        }
    }

    private static func seeds(_ reader: FieldReader) throws -> [UInt64]? {
        var known: Set<UInt64> = []
        return try list(reader, "seeds", 1...Bounds.seeds)?.enumerated().map { index, value in
            guard let number = value.intValue, Bounds.seed.contains(number) else {
                throw LetheError(.badData, "/seeds/\(index): must be from 0 to \(Bounds.seed.upperBound)")
            }
            guard known.insert(UInt64(number)).inserted else {
                throw LetheError(.badData, "/seeds/\(index): is there twice")
            }
            return UInt64(number)
        }
    }

    private static func attacks(_ reader: FieldReader) throws -> [String] {
        let names = RecoveryAttacks.names
        var known: Set<String> = []
        return try list(reader, "attacks", 0...names.count)?.enumerated().map { index, value in
            guard let text = value.stringValue, names.contains(text), known.insert(text).inserted else {
                throw LetheError(
                    .badData, "/attacks/\(index): must be one of \(names.joined(separator: ", ")), each once")
            }
            return text
        } ?? []
    }
}
