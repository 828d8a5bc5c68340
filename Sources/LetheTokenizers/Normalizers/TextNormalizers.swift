/// Lowers the case of every scalar by itself, so a final sigma is no exception.
struct LowercaseNormalizer: Normalizer {
    func apply(to text: inout NormalizedText) throws {
        let bytes = text.bytes
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if byte < 0x80 {
                result.append(byte >= 0x41 && byte <= 0x5A ? byte + 0x20 : byte)
                index += 1
            } else {
                let (value, length) = UTF8Scalars.decode(bytes, at: index)
                if let scalar = Unicode.Scalar(value), scalar.properties.changesWhenLowercased {
                    result.append(contentsOf: scalar.properties.lowercaseMapping.utf8)
                } else {
                    result.append(contentsOf: bytes[index..<index + length])
                }
                index += length
            }
        }
        text.bytes = result
    }
}

/// Removes combining marks; does not decompose first.
struct StripAccentsNormalizer: Normalizer {
    func apply(to text: inout NormalizedText) throws {
        text.keep { !CharacterClass.of($0).contains(.accent) }
    }
}

/// Takes white space off the two ends.
struct StripNormalizer: Normalizer {
    let left: Bool
    let right: Bool

    func apply(to text: inout NormalizedText) throws {
        let bytes = text.bytes
        var start = 0
        var end = bytes.count
        while left && start < end {
            let (value, length) = UTF8Scalars.decode(bytes, at: start)
            if !CharacterClass.of(value).contains(.whitespace) { break }
            start += length
        }
        while right && end > start {
            let (value, previous) = UTF8Scalars.decodeBackwards(bytes, before: end)
            if !CharacterClass.of(value).contains(.whitespace) { break }
            end = previous
        }
        if start > 0 { text.lostStart = true }
        text.bytes = Array(bytes[start..<end])
    }
}

/// Puts a text in front, unless there is nothing to put it in front of.
struct PrependNormalizer: Normalizer {
    let prefix: [UInt8]

    func apply(to text: inout NormalizedText) throws {
        if !text.bytes.isEmpty { text.bytes.insert(contentsOf: prefix, at: 0) }
    }
}

/// Replaces the matches of a literal text or of a known pattern.
struct ReplaceNormalizer: Normalizer {
    let scanner: any PatternScanner
    let replacement: [UInt8]

    func apply(to text: inout NormalizedText) throws {
        let bytes = text.bytes
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var position = 0
        while position < bytes.count {
            let (end, isMatch) = scanner.next(bytes, position, bytes.count)
            if isMatch {
                result.append(contentsOf: replacement)
                if result.isEmpty { text.lostStart = true }
                try TokenizerLimits.checkWorkingBytes(result.count)
            } else {
                result.append(contentsOf: bytes[position..<end])
            }
            position = max(end, position + 1)
        }
        text.bytes = result
    }
}

/// Writes every byte in ``ByteAlphabet``.
struct ByteLevelNormalizer: Normalizer {
    func apply(to text: inout NormalizedText) throws {
        var result: [UInt8] = []
        result.reserveCapacity(text.bytes.count * 3 / 2)
        for byte in text.bytes { ByteAlphabet.append(byte, to: &result) }
        text.bytes = result
    }
}
