/// A value whose text must not reach a log, an error, a metric or a debugger's print by accident.
///
/// Every textual form gives `[redacted]`; reading the value needs the explicit call ``reveal()``.
public struct Sensitive<Value: Sendable>: Sendable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    private let value: Value

    /// Wraps a value.
    public init(_ value: Value) { self.value = value }

    /// The wrapped value.
    public func reveal() -> Value { value }

    /// A text that is safe to log.
    public var description: String { "[redacted]" }
    /// `[redacted]`.
    public var debugDescription: String { "[redacted]" }
    /// Shows nothing.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
