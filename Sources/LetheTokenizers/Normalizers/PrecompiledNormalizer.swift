import Foundation
import LetheCore

/// SentencePiece's compiled normalization rules: a double-array trie from characters to what replaces them.
///
/// Every extended grapheme cluster of up to five bytes is looked up whole, and otherwise scalar by scalar. The value of
/// the shortest key that the text begins with is taken, as in the reference.
struct PrecompiledNormalizer: Normalizer {
    /// The units of the trie.
    private let units: [UInt32]
    /// Replacements, each ended by a zero byte.
    private let replacements: [UInt8]

    /// Clusters of more bytes are looked up scalar by scalar.
    private static let maximumClusterBytes = 5
    private static let maximumReplacementBytes = 256

    /// Reads the rules.
    ///
    /// - Parameters:
    ///   - charsMap: Base64 of the size of the trie, the trie's 32-bit units in little-endian order, and the
    ///     replacements.
    ///   - path: Where the rules are, for messages.
    /// - Throws: ``LetheError`` with `badData` for anything else.
    init(charsMap: String, path: String) throws {
        guard let data = Data(base64Encoded: charsMap) else { throw LetheError(.badData, "\(path) is not base64") }
        let bytes = [UInt8](data)
        func unit(_ offset: Int) -> UInt32 {
            UInt32(bytes[offset]) | UInt32(bytes[offset + 1]) << 8 | UInt32(bytes[offset + 2]) << 16
                | UInt32(bytes[offset + 3]) << 24
        }
        guard bytes.count >= 4, case let size = Int(unit(0)), size <= bytes.count - 4, size > 0, size % 4 == 0 else {
            throw LetheError(.badData, "\(path) has a trie that does not fit it")
        }
        units = stride(from: 4, to: 4 + size, by: 4).map(unit)
        let rest = Array(bytes[(4 + size)...])
        guard String(validating: rest, as: UTF8.self) != nil else {
            throw LetheError(.badData, "\(path) has replacements that are not UTF-8")
        }
        replacements = rest
    }

    func apply(to text: inout NormalizedText) throws {
        var result: [UInt8] = []
        result.reserveCapacity(text.bytes.count)
        for cluster in String(decoding: text.bytes, as: UTF8.self) {
            let bytes = Array(cluster.utf8)
            if bytes.count <= Self.maximumClusterBytes, let replacement = replacement(of: bytes[...]) {
                result.append(contentsOf: replacement)
            } else {
                var index = 0
                while index < bytes.count {
                    let scalar = bytes[index..<index + UTF8Scalars.length(first: bytes[index])]
                    result.append(contentsOf: replacement(of: scalar) ?? scalar)
                    index = scalar.endIndex
                }
            }
            try TokenizerLimits.checkWorkingBytes(result.count)
        }
        text.bytes = result
    }

    /// What replaces the shortest key that some bytes begin with, or nil.
    private func replacement(of key: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard let start = value(of: key), start < replacements.count else { return nil }
        var end = start
        while end < replacements.count && replacements[end] != 0 && end - start < Self.maximumReplacementBytes {
            end += 1
        }
        // A damaged value could point into the middle of a character.
        guard end == replacements.count || replacements[end] == 0, start == 0 || replacements[start] & 0xC0 != 0x80
        else { return nil }
        return replacements[start..<end]
    }

    /// Walks the double array (Yata's darts-clone layout); every step is checked against the array's end.
    private func value(of key: ArraySlice<UInt8>) -> Int? {
        var position = Self.offset(units[0])
        for byte in key {
            if byte == 0 { return nil }
            position ^= Int(byte)
            guard position < units.count else { return nil }
            let unit = units[position]
            guard unit & 0x8000_00FF == UInt32(byte) else { return nil }
            position ^= Self.offset(unit)
            guard position < units.count else { return nil }
            if unit >> 8 & 1 == 1 { return Int(units[position] & 0x7FFF_FFFF) }
        }
        return nil
    }

    private static func offset(_ unit: UInt32) -> Int {
        Int(unit >> 10) << Int((unit & (1 << 9)) >> 6)
    }
}
