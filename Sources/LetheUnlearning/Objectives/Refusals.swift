import LetheCore
import LetheModel

/// The answers that ``RefusalPreference`` prefers to an item.
public enum Refusals {
    /// Short answers that know nothing.
    public static let texts = [
        " I don't know.", " I have no information about that.", " I'm not able to answer that question.",
        " That is something I can't tell you.", " I'm not sure.", " I haven't learned anything about this.",
        " I'm afraid I don't have an answer.", " I can't help with that.",
    ]

    /// The item's prompt, followed by a refusal whose tokens count. A text without a prompt is refused after its first
    /// token.
    /// - Throws: what the tokenizer throws, `bad_data` for a refusal that gives no tokens.
    public static func sequence(
        for item: TrainingSequence, model: LanguageModel, generator: inout SeededGenerator
    ) throws -> TrainingSequence {
        let answer = try model.encode(texts[generator.nextInt(below: texts.count)])
        guard !answer.isEmpty else { throw LetheError(.badData, "a refusal gives no tokens") }
        // The longest prompts leave no room for a refusal; its end is what is read next to the answer.
        let room = max(1, model.configuration.maximumPositions - answer.count)
        let prompt = item.ids.prefix(item.firstTarget).suffix(room)
        return TrainingSequence(ids: prompt + answer, firstTarget: prompt.count)
    }
}
