/// The four normalization forms of Unicode (UAX #15), with the tables of the version that the reference library uses.
struct UnicodeNormalizer: Normalizer {
    /// A normalization form.
    enum Form {
        case nfc, nfd, nfkc, nfkd

        fileprivate var isComposed: Bool { self == .nfc || self == .nfkc }
        fileprivate var isCompatible: Bool { self == .nfkc || self == .nfkd }
    }

    let form: Form

    func apply(to text: inout NormalizedText) throws {
        let bytes = text.bytes
        // Below U+00A0 nothing decomposes, and below U+0300 nothing that is precomposed changes by composition.
        let untouched: UInt8 = form == .nfc ? 0xCC : 0xC2
        guard bytes.contains(where: { $0 >= untouched }) else { return }
        let data = NormalizationData.shared
        var scalars: [UInt32] = []
        scalars.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            let (value, length) = UTF8Scalars.decode(bytes, at: index)
            data.decompose(value, compatible: form.isCompatible, into: &scalars)
            index += length
        }
        Self.order(&scalars, data)
        text.bytes = UTF8Scalars.bytes(form.isComposed ? Self.compose(scalars, data) : scalars)
    }

    /// Canonical ordering: every run of combining marks is sorted, stably, by combining class.
    private static func order(_ scalars: inout [UInt32], _ data: NormalizationData) {
        var index = 0
        while index < scalars.count {
            if scalars[index] < 0x300 || data.combiningClass(scalars[index]) == 0 {
                index += 1
                continue
            }
            var run: [(class: UInt8, offset: Int, value: UInt32)] = []
            let start = index
            while index < scalars.count {
                let combiningClass = data.combiningClass(scalars[index])
                if combiningClass == 0 { break }
                run.append((combiningClass, index, scalars[index]))
                index += 1
            }
            if run.count > 1 {
                run.sort { ($0.class, $0.offset) < ($1.class, $1.offset) }
                for (offset, entry) in run.enumerated() { scalars[start + offset] = entry.value }
            }
        }
    }

    /// Canonical composition of decomposed, ordered scalars.
    private static func compose(_ scalars: [UInt32], _ data: NormalizationData) -> [UInt32] {
        var result: [UInt32] = []
        result.reserveCapacity(scalars.count)
        var starter: Int?
        var previousClass: UInt8 = 0
        for value in scalars {
            let combiningClass = value < 0x300 ? 0 : data.combiningClass(value)
            if let starter {
                let isAdjacent = starter == result.count - 1
                if isAdjacent || (previousClass < combiningClass && previousClass != 0) {
                    if let composite = data.compose(result[starter], value) {
                        result[starter] = composite
                        continue
                    }
                }
            }
            if combiningClass == 0 { starter = result.count }
            previousClass = combiningClass
            result.append(value)
        }
        return result
    }
}
