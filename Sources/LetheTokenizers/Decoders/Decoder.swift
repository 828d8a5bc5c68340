/// The part of a tokenizer that turns tokens back into text. Tokens are bytes: a byte-level token need not be UTF-8.
protocol Decoder: Sendable {
    /// Transforms the tokens of a text, whose concatenation is the text in the end.
    func decode(_ tokens: [[UInt8]]) -> [[UInt8]]
}

/// Decoders one after another.
struct DecoderSequence: Decoder {
    let steps: [any Decoder]

    func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
        steps.reduce(tokens) { $1.decode($0) }
    }
}
