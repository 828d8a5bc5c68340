import Foundation
import LetheCore
import LetheModel

/// The answer to a ``CompletionRequest``.
public struct CompletionResponse: Sendable {
    /// The model's name.
    public var model: String
    /// The generation that answered: its number and the beginning of its manifest's digest.
    public var generation: String
    /// One for each prompt, in order.
    public var completions: [TextCompleter.Completion]
    /// Tokens of all prompts.
    public var promptTokenCount: Int

    /// An answer.
    public init(
        model: String, generation: String, completions: [TextCompleter.Completion], promptTokenCount: Int
    ) {
        self.model = model
        self.generation = generation
        self.completions = completions
        self.promptTokenCount = promptTokenCount
    }

    /// The object `text_completion` of the OpenAI API; `system_fingerprint` is the generation.
    /// - Parameter withLogProbabilities: whether they were asked for.
    func json(id: String, created: Date, withLogProbabilities: Bool) -> JSONValue {
        let newTokens = completions.reduce(0) { $0 + $1.newTokenCount }
        let choices = completions.enumerated().map { index, completion -> JSONValue in
            [
                "text": .string(completion.text), "index": .integer(Int64(index)),
                "logprobs": withLogProbabilities ? Self.logProbabilities(completion.tokens) : .null,
                "finish_reason": .string(completion.finishReason.rawValue),
            ]
        }
        return [
            "id": .string(id), "object": "text_completion",
            "created": .integer(Int64(created.timeIntervalSince1970.rounded(.down))),
            "model": .string(model), "system_fingerprint": .string(generation), "choices": .array(choices),
            "usage": [
                "prompt_tokens": .integer(Int64(promptTokenCount)), "completion_tokens": .integer(Int64(newTokens)),
                "total_tokens": .integer(Int64(promptTokenCount + newTokens)),
            ],
        ]
    }

    private static func logProbabilities(_ tokens: [TextCompleter.ScoredToken]) -> JSONValue {
        [
            "tokens": .array(tokens.map { .string($0.text) }),
            "token_logprobs": .array(tokens.map { $0.logProbability.map(number) ?? .null }),
            "top_logprobs": .array(
                tokens.map { token in
                    guard let alternatives = token.alternatives else { return .null }
                    var object = JSONObject()
                    // Different tokens can look the same alone; the likelier one has the name.
                    for (text, value) in alternatives.sorted(by: { $0.logProbability > $1.logProbability })
                    where object[text] == nil {
                        object[text] = number(value)
                    }
                    return .object(object)
                }),
            "text_offset": .array(tokens.map { .integer(Int64($0.offset)) }),
        ]
    }

    /// The shortest decimal that is this fp32 number, as `lethe score` writes it.
    private static func number(_ value: Float) -> JSONValue {
        .number(Double(value.description) ?? Double(value))
    }
}
