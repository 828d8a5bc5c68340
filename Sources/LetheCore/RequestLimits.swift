/// The largest request that is accepted.
public struct RequestLimits: Sendable, Equatable {
    /// UTF-8 bytes of the whole body.
    public var bodyBytes = 1 << 20
    /// Items, and keep texts, each.
    public var items = 256
    /// Characters (Unicode scalar values, as JSON Schema counts them) of one text, prompt or completion.
    public var textCharacters = 256 << 10
    /// Characters of the reference.
    public var referenceCharacters = 512
    /// Nesting of the JSON body.
    public var depth = 32

    /// Creates the default limits.
    public init() {}

    /// What the daemon accepts.
    public static let `default` = RequestLimits()
}
