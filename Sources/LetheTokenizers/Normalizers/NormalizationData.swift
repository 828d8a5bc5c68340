/// ``NormalizationTables`` in a form for look-up, made once.
final class NormalizationData: Sendable {
    /// The one instance.
    static let shared = NormalizationData()

    private let canonical: [UInt32: [UInt32]]
    private let compatible: [UInt32: [UInt32]]
    private let composites: [UInt64: UInt32]

    private static let hangulBase: UInt32 = 0xAC00
    private static let leadBase: UInt32 = 0x1100
    private static let vowelBase: UInt32 = 0x1161
    private static let tailBase: UInt32 = 0x11A7
    private static let leadCount: UInt32 = 19
    private static let vowelCount: UInt32 = 21
    private static let tailCount: UInt32 = 28
    private static let hangulCount: UInt32 = 11172

    private init() {
        let steps = Self.parse(NormalizationTables.canonical)
        let compatibleSteps = Self.parse(NormalizationTables.compatibility)
        let excluded = Set(NormalizationTables.compositionExclusions)
        var pairs: [UInt64: UInt32] = [:]
        for (value, parts) in steps where parts.count == 2 && !excluded.contains(value) {
            pairs[UInt64(parts[0]) << 32 | UInt64(parts[1])] = value
        }
        composites = pairs
        func expand(_ value: UInt32, _ useCompatible: Bool) -> [UInt32] {
            guard let parts = steps[value] ?? (useCompatible ? compatibleSteps[value] : nil) else { return [value] }
            return parts.flatMap { expand($0, useCompatible) }
        }
        var full: [UInt32: [UInt32]] = [:]
        var fullCompatible: [UInt32: [UInt32]] = [:]
        for value in steps.keys {
            full[value] = expand(value, false)
            fullCompatible[value] = expand(value, true)
        }
        for value in compatibleSteps.keys { fullCompatible[value] = expand(value, true) }
        canonical = full
        compatible = fullCompatible
    }

    /// Appends the full decomposition of a scalar.
    func decompose(_ value: UInt32, compatible useCompatible: Bool, into output: inout [UInt32]) {
        if value < 0xA0 {
            output.append(value)
        } else if value >= Self.hangulBase && value < Self.hangulBase + Self.hangulCount {
            let index = value - Self.hangulBase
            output.append(Self.leadBase + index / (Self.vowelCount * Self.tailCount))
            output.append(Self.vowelBase + index % (Self.vowelCount * Self.tailCount) / Self.tailCount)
            let tail = index % Self.tailCount
            if tail > 0 { output.append(Self.tailBase + tail) }
        } else if let parts = useCompatible ? compatible[value] : canonical[value] {
            output.append(contentsOf: parts)
        } else {
            output.append(value)
        }
    }

    /// The scalar that two compose to, or nil.
    func compose(_ first: UInt32, _ second: UInt32) -> UInt32? {
        if first >= Self.leadBase && first < Self.leadBase + Self.leadCount {
            guard second >= Self.vowelBase && second < Self.vowelBase + Self.vowelCount else { return nil }
            return Self.hangulBase
                + ((first - Self.leadBase) * Self.vowelCount + second - Self.vowelBase) * Self.tailCount
        }
        if first >= Self.hangulBase && first < Self.hangulBase + Self.hangulCount
            && (first - Self.hangulBase) % Self.tailCount == 0
            && second > Self.tailBase && second < Self.tailBase + Self.tailCount
        {
            return first + second - Self.tailBase
        }
        return composites[UInt64(first) << 32 | UInt64(second)]
    }

    /// The canonical combining class, 0 for scalars that Unicode 9 did not know.
    func combiningClass(_ value: UInt32) -> UInt8 {
        guard value >= 0x300, let properties = Unicode.Scalar(value)?.properties else { return 0 }
        let combiningClass = properties.canonicalCombiningClass.rawValue
        guard combiningClass != 0, let age = properties.age, age.major <= 9 else { return 0 }
        return combiningClass
    }

    private static func parse(_ table: String) -> [UInt32: [UInt32]] {
        var result: [UInt32: [UInt32]] = [:]
        for word in table.split(separator: " ") {
            let sides = word.split(separator: "=")
            let head = sides[0].split(separator: "+")
            guard sides.count == 2, let first = UInt32(head[0], radix: 16) else { continue }
            let count = head.count > 1 ? UInt32(head[1], radix: 16) ?? 1 : 1
            let mapping = sides[1].split(separator: ",").compactMap { UInt32($0, radix: 16) }
            for offset in 0..<count {
                result[first + offset] = count == 1 ? mapping : mapping.map { $0 + offset }
            }
        }
        return result
    }
}
