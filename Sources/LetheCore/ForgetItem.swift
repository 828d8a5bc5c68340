/// One thing to forget or to keep: a text, or a prompt with its completion.
public enum ForgetItem: Sendable, Equatable, CustomStringConvertible {
    /// Every token of the text counts.
    case text(String)
    /// Only the completion's tokens count; the prompt is context. Both are tokenised apart.
    case pair(prompt: String, completion: String)

    /// A text that is safe to log.
    public var description: String {
        switch self {
        case .text: "ForgetItem.text"
        case .pair: "ForgetItem.pair"
        }
    }
}
