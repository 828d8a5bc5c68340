/// BERT's normalizer (Devlin et al. 2019): cleans control characters, isolates ideographs, strips accents, lowers case.
struct BertNormalizer: Normalizer {
    let cleansText: Bool
    let isolatesIdeographs: Bool
    let stripsAccents: Bool
    let lowercases: Bool

    func apply(to text: inout NormalizedText) throws {
        if cleansText { text.keep { !CharacterClass.of($0).contains(.removable) } }
        if cleansText || isolatesIdeographs {
            let bytes = text.bytes
            var result: [UInt8] = []
            result.reserveCapacity(bytes.count)
            var index = 0
            while index < bytes.count {
                let (value, length) = UTF8Scalars.decode(bytes, at: index)
                index += length
                let classes = CharacterClass.of(value)
                if cleansText && classes.contains(.whitespace) {
                    result.append(0x20)
                } else if isolatesIdeographs && classes.contains(.ideograph) {
                    result.append(0x20)
                    UTF8Scalars.append(value, to: &result)
                    result.append(0x20)
                } else {
                    UTF8Scalars.append(value, to: &result)
                }
            }
            text.bytes = result
        }
        if stripsAccents {
            try UnicodeNormalizer(form: .nfd).apply(to: &text)
            text.keep { !CharacterClass.of($0).contains(.nonspacingMark) }
        }
        if lowercases { try LowercaseNormalizer().apply(to: &text) }
    }
}
