import Foundation
import LetheCore

/// One finished evaluation: what result.json holds. Docs/result-schema.md describes every member.
///
/// It holds numbers, names and settings, never a text, a question or an answer.
public struct EvaluationResult: Codable, Sendable, Equatable {
    /// The version of the schema that this build writes and reads.
    public static let currentSchemaVersion = 1

    /// The version of the schema.
    public var schemaVersion: Int
    /// What was run: `pch`, or `attack`.
    public var kind: String
    /// When it was finished, RFC 3339 in UTC.
    public var createdAt: String
    /// How long it took.
    public var durationSeconds: Double
    /// The version of Lethe.
    public var letheVersion: String
    /// The model that was changed.
    public var model: ModelDescription
    /// The data.
    public var data: DataDescription
    /// The machine.
    public var machine: MachineDescription
    /// The seeds of the stream, in order.
    public var seeds: [UInt64]
    /// Settings that all methods share, such as the preset and the training recipe.
    public var settings: [String: String]
    /// The original model, and the retain model, on the whole sets.
    public var baselines: [Baseline]
    /// The methods, the controls among them.
    public var methods: [MethodResult]
    /// Recovery attacks.
    public var attacks: [AttackResult]
    /// Membership inference where it was run by itself; nil otherwise. The benchmark's is with each checkpoint.
    public var membership: [ModelMembership]?
    /// Utility beyond the benchmark.
    public var utility: [UtilityResult]
    /// What each deletion request took.
    public var requests: [RequestRecord]
    /// What a reader should know, such as that questions were derived.
    public var notes: [String]

    /// Creates a result.
    public init(
        kind: String = "pch", createdAt: String, durationSeconds: Double = 0, letheVersion: String,
        model: ModelDescription, data: DataDescription, machine: MachineDescription, seeds: [UInt64],
        settings: [String: String] = [:], baselines: [Baseline] = [], methods: [MethodResult] = [],
        attacks: [AttackResult] = [], membership: [ModelMembership]? = nil, utility: [UtilityResult] = [],
        requests: [RequestRecord] = [], notes: [String] = []
    ) {
        schemaVersion = Self.currentSchemaVersion
        self.kind = kind
        self.createdAt = createdAt
        self.durationSeconds = durationSeconds
        self.letheVersion = letheVersion
        self.model = model
        self.data = data
        self.machine = machine
        self.seeds = seeds
        self.settings = settings
        self.baselines = baselines
        self.methods = methods
        self.attacks = attacks
        self.membership = membership
        self.utility = utility
        self.requests = requests
        self.notes = notes
    }

    enum CodingKeys: String, CodingKey {
        case schemaVersion = "schema_version"
        case kind
        case createdAt = "created_at"
        case durationSeconds = "duration_seconds"
        case letheVersion = "lethe_version"
        case model, data, machine, seeds, settings, baselines, methods, attacks, membership, utility, requests, notes
    }

    /// The same result with every time, duration and memory figure set to zero, for comparing two runs of one seed.
    public var withoutTimes: EvaluationResult {
        var copy = self
        copy.createdAt = ""
        copy.durationSeconds = 0
        for index in copy.requests.indices {
            copy.requests[index].seconds = 0
            copy.requests[index].phaseSeconds = copy.requests[index].phaseSeconds.mapValues { _ in 0 }
            copy.requests[index].peakMemoryBytes = 0
        }
        return copy
    }

    /// The first method that is no control, else the first.
    public var headlineMethod: MethodResult? { methods.first { $0.role == .method } ?? methods.first }

    // MARK: JSON

    /// The largest result.json that is read.
    public static let maximumBytes = 256 << 20

    /// The bytes of result.json: members sorted, indented, a line feed at the end; the same for the same result.
    ///
    /// Infinite and undefined numbers become the strings `Infinity`, `-Infinity` and `NaN`.
    public func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        do {
            return try encoder.encode(self) + Data("\n".utf8)
        } catch {
            throw LetheError(.internalError, "result.json: cannot be encoded")
        }
    }

    /// Reads result.json.
    /// - Parameters:
    ///   - data: its bytes.
    ///   - context: what they are, for messages.
    /// - Throws: `bad_data` naming the place, `limit_exceeded`, or `unsupported` for another schema version.
    public init(json data: Data, context: String = "result.json") throws {
        let limits = JSONParser.Limits(maximumBytes: Self.maximumBytes, maximumElements: 64_000_000)
        let parsed = try JSONParser.parse(data, limits: limits, context: context)
        guard let version = parsed["schema_version"]?.intValue else {
            throw LetheError(.badData, "\(context): /schema_version: must be a whole number")
        }
        guard version == Self.currentSchemaVersion else {
            throw LetheError(
                .unsupported,
                "\(context): schema version \(version); this build reads version \(Self.currentSchemaVersion)")
        }
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        do {
            self = try decoder.decode(EvaluationResult.self, from: data)
        } catch let error as DecodingError {
            throw LetheError(.badData, "\(context): \(Self.place(of: error)): is missing or of the wrong type")
        }
    }

    /// The JSON Pointer at which decoding failed.
    private static func place(of error: DecodingError) -> String {
        let path: [any CodingKey] =
            switch error {
            case .keyNotFound(let key, let context): context.codingPath + [key]
            case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
                context.codingPath
            @unknown default: []
            }
        return "/" + path.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: "/")
    }
}
