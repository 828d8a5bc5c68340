/// The name of a request: `req_` and 32 hexadecimal digits of a ``UUIDv7``, ordered by time of arrival.
public struct RequestID: RawRepresentable, Sendable, Hashable, Comparable, CustomStringConvertible {
    /// What every request's name starts with.
    public static let prefix = "req_"

    /// The identifier without its prefix.
    public let uuid: UUIDv7

    /// Names a request.
    public init(_ uuid: UUIDv7) { self.uuid = uuid }

    /// Reads a name; nil when it is not one, so that a path or any other text never gets further.
    public init?(rawValue: String) {
        let bytes = rawValue.utf8
        guard bytes.count == 36, bytes.starts(with: Self.prefix.utf8),
            let uuid = UUIDv7(hexadecimal: rawValue.dropFirst(4))
        else { return nil }
        self.uuid = uuid
    }

    /// The whole name.
    public var rawValue: String { uuid.hexadecimal(after: "req_") }
    /// The whole name.
    public var description: String { rawValue }

    /// Orders by time of arrival.
    public static func < (left: RequestID, right: RequestID) -> Bool { left.uuid < right.uuid }
}
