import Foundation

/// Numbers as the report writes them.
enum ReportNumber {
    /// A fixed number of decimals; a dash for nil.
    static func fixed(_ value: Double?, _ decimals: Int) -> String {
        guard let value else { return "–" }
        if value.isNaN { return "undefined" }
        if value.isInfinite { return value > 0 ? "∞" : "−∞" }
        let text = String(format: "%.\(decimals)f", value)
        // No "-0.00", and a real minus sign.
        let isZero = !text.contains { "123456789".contains($0) }
        return isZero ? text.replacing("-", with: "") : text.replacing("-", with: "−")
    }

    /// A degree or probability, three decimals.
    static func degree(_ value: Double?) -> String { fixed(value, 3) }

    /// Mean and, for more than one seed, standard deviation.
    static func spread(_ spread: Spread?, seeds: Int) -> String {
        guard let spread else { return "–" }
        return seeds > 1 ? "\(degree(spread.mean)) ± \(degree(spread.standardDeviation))" : degree(spread.mean)
    }

    static func percent(_ value: Double?) -> String { value == nil ? "–" : fixed(value.map { $0 * 100 }, 1) + " %" }

    static func seconds(_ value: Double) -> String { fixed(value, value < 10 ? 2 : 1) }

    static func mebibytes(_ bytes: Int) -> String { bytes > 0 ? fixed(Double(bytes) / 1_048_576, 0) : "–" }

    /// A count with thin groups of three: 134 515 008.
    static func count(_ value: Int) -> String {
        let digits = String(value.magnitude)
        var groups: [String] = []
        var rest = Substring(digits)
        while rest.count > 3 {
            groups.insert(String(rest.suffix(3)), at: 0)
            rest = rest.dropLast(3)
        }
        groups.insert(String(rest), at: 0)
        return (value < 0 ? "−" : "") + groups.joined(separator: " ")
    }
}
