/// What a model may be called in the store; never a path.
public enum ModelName {
    /// The rule, for error messages.
    public static let rule = "must be 1 to 64 of a-z, 0-9, '.', '_', '-', and start with a letter or a digit"

    /// Whether a name keeps the rule.
    public static func isValid(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        guard (1...64).contains(bytes.count) else { return false }
        func isAlphanumeric(_ byte: UInt8) -> Bool { (97...122).contains(byte) || (48...57).contains(byte) }
        return isAlphanumeric(bytes[0]) && bytes.allSatisfy { isAlphanumeric($0) || [45, 46, 95].contains($0) }
    }
}
