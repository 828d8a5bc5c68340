/// The name of an evaluation: `eval_` and 32 hexadecimal digits of a ``UUIDv7``, ordered by time of arrival.
public struct EvaluationID: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    /// What every evaluation's name starts with.
    public static let prefix = "eval_"

    private let uuid: UUIDv7

    /// Names an evaluation.
    public init(_ uuid: UUIDv7) { self.uuid = uuid }

    /// Reads a name; nil when it is not one, so that a path or any other text never gets further.
    public init?(rawValue: String) {
        let bytes = rawValue.utf8
        guard bytes.count == 37, bytes.starts(with: Self.prefix.utf8),
            let uuid = UUIDv7(hexadecimal: rawValue.dropFirst(5))
        else { return nil }
        self.uuid = uuid
    }

    /// The whole name.
    public var rawValue: String { Self.prefix + uuid.hexadecimal }
    /// The whole name.
    public var description: String { rawValue }
}
