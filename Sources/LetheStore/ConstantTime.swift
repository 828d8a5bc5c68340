/// Comparisons whose duration tells nothing about where two values differ.
enum ConstantTime {
    /// Whether two byte sequences are equal; only their lengths influence the time taken.
    static func areEqual(_ left: some Collection<UInt8>, _ right: some Collection<UInt8>) -> Bool {
        left.count == right.count && zip(left, right).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
