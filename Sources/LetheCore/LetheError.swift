/// The one error type of the project: a stable code and a message that is safe to log.
///
/// Messages name the field, the position and the limit that was broken. They never quote the text of a
/// request, a prompt or a file's content.
public struct LetheError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A stable, machine-readable reason. Open for extension: unknown codes are compared by their raw value.
    public struct Code: RawRepresentable, Hashable, Sendable {
        /// The word itself.
        public let rawValue: String
        /// Creates a value.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// Input that is malformed: a file, a request body, a tokenizer.
        public static let badData = Code(rawValue: "bad_data")
        /// A file, folder or field that has to be there and is not.
        public static let missingInput = Code(rawValue: "missing_input")
        /// Well-formed input that asks for something this build does not implement.
        public static let unsupported = Code(rawValue: "unsupported")
        /// A count, size or length above its limit.
        public static let limitExceeded = Code(rawValue: "limit_exceeded")
        /// A name or id that nothing answers to.
        public static let notFound = Code(rawValue: "not_found")
        /// An idempotency key used with another body, or a compare-and-swap that lost.
        public static let conflict = Code(rawValue: "conflict")
        /// A transition that the request's state does not allow.
        public static let invalidState = Code(rawValue: "invalid_state")
        /// Wrong use of a command or an API by its caller.
        public static let usage = Code(rawValue: "usage")
        /// The daemon cannot be reached, or is not ready.
        public static let unavailable = Code(rawValue: "unavailable")
        /// No space left on the device.
        public static let diskFull = Code(rawValue: "disk_full")
        /// An operating-system call failed.
        public static let ioError = Code(rawValue: "io_error")
        /// Authentication or a permission is missing.
        public static let forbidden = Code(rawValue: "forbidden")
        /// Work stopped because it was asked to.
        public static let cancelled = Code(rawValue: "cancelled")
        /// A result that did not meet its threshold.
        public static let gateNotMet = Code(rawValue: "gate_not_met")
        /// A fault of this program.
        public static let internalError = Code(rawValue: "internal")
    }

    /// The stable reason.
    public let code: Code
    /// What happened, for a person; free of personal text.
    public let message: String

    /// Creates an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// A text that is safe to log.
    public var description: String { "\(code.rawValue): \(message)" }
}
