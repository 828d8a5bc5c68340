import Foundation
import LetheCore
import LetheModel

/// The body of `POST /v1/completions`, as the OpenAI API describes it.
///
/// Fields that would ask for what is not done here (streaming, several choices, penalties) are accepted with the value
/// that asks for nothing, and refused with any other.
public struct CompletionRequest: Sendable {
    /// Bounds of one request.
    public enum Bounds {
        /// Prompts.
        public static let prompts = 64
        /// New tokens of each prompt.
        public static let maximumTokens = 4096
        /// New tokens of all prompts together.
        public static let allNewTokens = 16_384
        /// Listed alternatives of each token.
        public static let logProbabilities = 5
        /// Stop texts.
        public static let stops = 4
        /// Bytes of a stop text.
        public static let stopBytes = 256
    }

    /// What is completed.
    public enum Prompt: Sendable, Equatable {
        case text(String)
        case ids([Int32])
    }

    /// The name of a model in the store.
    public var model: String
    /// One or several.
    public var prompts: [Prompt]
    /// How they are completed.
    public var completer: TextCompleter

    private static let fields: Set<String> = [
        "model", "prompt", "max_tokens", "temperature", "top_p", "seed", "stop", "echo", "logprobs", "n", "best_of",
        "stream", "stream_options", "presence_penalty", "frequency_penalty", "logit_bias", "suffix", "user",
    ]

    /// Reads a body; a null is as good as no field.
    /// - Throws: `bad_data` or `limit_exceeded`, beginning with the pointer of the field.
    public init(json: JSONValue) throws {
        guard let object = json.objectValue else { throw LetheError(.badData, "/: must be an object") }
        let reader = try FieldReader(
            .object(JSONObject(object.entries.filter { $0.value != .null }.map { ($0.key, $0.value) })), pointer: "")
        try reader.allowOnly(Self.fields)
        try Self.requireNeutral(reader)
        model = try reader.required(reader.string("model"), "model")
        prompts = try Self.prompts(reader.required(reader["prompt"], "prompt"))
        completer = TextCompleter()
        completer.echoesPrompt = try reader.boolean("echo") ?? false
        completer.maximumNewTokens = try reader.integer("max_tokens", in: 0...Bounds.maximumTokens) ?? 16
        guard completer.maximumNewTokens > 0 || completer.echoesPrompt else {
            throw reader.error("max_tokens", "0 is for echo only")
        }
        guard completer.maximumNewTokens * prompts.count <= Bounds.allNewTokens else {
            throw LetheError(
                .limitExceeded,
                "/max_tokens: \(completer.maximumNewTokens) for each of \(prompts.count) prompts; "
                    + "the limit is \(Bounds.allNewTokens) together")
        }
        completer.temperature = try reader.number("temperature", in: 0...2) ?? 1
        completer.topP = try reader.number("top_p", in: 0...1) ?? 1
        completer.alternatives = try reader.integer("logprobs", in: 0...Bounds.logProbabilities)
        let seed = try reader.integer("seed", in: Int.min...Int.max)
        completer.seed = seed.map { UInt64(bitPattern: Int64($0)) } ?? UInt64.random(in: 0...UInt64.max)
        completer.stops = try Self.stops(reader)
    }

    private static func requireNeutral(_ reader: FieldReader) throws {
        for name in ["n", "best_of"] {
            guard reader[name].map({ $0.intValue == 1 }) ?? true else { throw reader.error(name, "must be 1") }
        }
        for name in ["presence_penalty", "frequency_penalty"] {
            guard reader[name].map({ $0.doubleValue == 0 }) ?? true else { throw reader.error(name, "must be 0") }
        }
        guard try reader.boolean("stream") != true else { throw reader.error("stream", "must be false") }
        guard reader["stream_options"] == nil else { throw reader.error("stream_options", "must be left out") }
        guard try reader.string("suffix")?.isEmpty ?? true else { throw reader.error("suffix", "must be left out") }
        guard reader["logit_bias"].map({ $0.objectValue?.count == 0 }) ?? true else {
            throw reader.error("logit_bias", "must be empty")
        }
        _ = try reader.string("user")
    }

    private static func prompts(_ json: JSONValue) throws -> [Prompt] {
        if let text = json.stringValue { return [try prompt(text, "/prompt")] }
        let form = LetheError(.badData, "/prompt: must be a string, token ids, or an array of one of them")
        guard let values = json.arrayValue else { throw form }
        guard let first = values.first else { throw LetheError(.badData, "/prompt: must not be empty") }
        if first.intValue != nil { return [.ids(try ids(values, "/prompt"))] }
        guard values.count <= Bounds.prompts else {
            throw LetheError(.limitExceeded, "/prompt: \(values.count) prompts; the limit is \(Bounds.prompts)")
        }
        let isText = first.stringValue != nil
        return try values.enumerated().map { index, value in
            if isText, let text = value.stringValue { return try prompt(text, "/prompt/\(index)") }
            guard !isText, let list = value.arrayValue else { throw form }
            return .ids(try ids(list, "/prompt/\(index)"))
        }
    }

    private static func prompt(_ text: String, _ pointer: String) throws -> Prompt {
        guard !text.isEmpty else { throw LetheError(.badData, "\(pointer): must not be empty") }
        return .text(text)
    }

    private static func ids(_ values: [JSONValue], _ pointer: String) throws -> [Int32] {
        guard !values.isEmpty else { throw LetheError(.badData, "\(pointer): must not be empty") }
        return try values.enumerated().map { index, value in
            guard let number = value.intValue, let id = Int32(exactly: number), id >= 0 else {
                throw LetheError(.badData, "\(pointer)/\(index): must be a token id")
            }
            return id
        }
    }

    private static func stops(_ reader: FieldReader) throws -> [String] {
        guard let value = reader["stop"] else { return [] }
        let values = value.arrayValue ?? [value]
        guard values.count <= Bounds.stops else {
            throw LetheError(.limitExceeded, "/stop: \(values.count) texts; the limit is \(Bounds.stops)")
        }
        return try values.map { value in
            guard let text = value.stringValue, (1...Bounds.stopBytes).contains(text.utf8.count) else {
                throw reader.error("stop", "must be texts of 1 to \(Bounds.stopBytes) bytes")
            }
            return text
        }
    }
}
