import Foundation
import LetheCore

/// Learns a small byte-level BPE vocabulary from texts (Sennrich et al. 2016, over bytes as in GPT-2).
public enum ByteLevelTrainer {
    /// The token that ends a text; it gets id 0.
    public static let endOfText = "<|endoftext|>"

    /// A tokenizer.json: 256 bytes, the end token, and the merges of the most frequent neighbours within words.
    ///
    /// Equal counts are decided by the order of the bytes, so the same texts give the same vocabulary. Time is the
    /// number of merges times the number of different words.
    /// - Parameters:
    ///   - texts: what to learn from.
    ///   - vocabularySize: ids altogether, at least 257; fewer are used when nothing is left to merge.
    /// - Throws: `usage` for a size below 257.
    public static func tokenizerJSON(_ texts: [String], vocabularySize: Int) throws -> Data {
        guard vocabularySize >= 257 else { throw LetheError(.usage, "a byte-level vocabulary has at least 257 ids") }
        var counts: [[String]: Int] = [:]
        for text in texts {
            for word in words(text) { counts[word.map(letter), default: 0] += 1 }
        }
        var list = counts.map { (parts: $0.key, count: $0.value) }
            .sorted { $0.parts.lexicographicallyPrecedes($1.parts) }
        var tokens = [endOfText] + (0...255).map { letter(UInt8($0)) }
        var merges: [JSONValue] = []
        while tokens.count < vocabularySize {
            var pairs: [[String]: Int] = [:]
            for word in list {
                for (left, right) in zip(word.parts, word.parts.dropFirst()) {
                    pairs[[left, right], default: 0] += word.count
                }
            }
            let best = pairs.max { a, b in
                a.value != b.value ? a.value < b.value : b.key.lexicographicallyPrecedes(a.key)
            }
            guard let best, best.value > 1 else { break }
            for index in list.indices { list[index].parts = merged(list[index].parts, best.key) }
            merges.append(.array(best.key.map(JSONValue.string)))
            let token = best.key.joined()
            if !tokens.contains(token) { tokens.append(token) }
        }
        return document(tokens: tokens, merges: merges).serialized()
    }

    private static func document(tokens: [String], merges: [JSONValue]) -> JSONValue {
        let vocabulary = JSONObject(tokens.enumerated().map { ($1, .integer(Int64($0))) })
        let end: JSONValue = [
            "id": .integer(0), "content": .string(endOfText), "single_word": .bool(false), "lstrip": .bool(false),
            "rstrip": .bool(false), "normalized": .bool(false), "special": .bool(true),
        ]
        func byteLevel(_ more: [(String, JSONValue)] = []) -> JSONValue {
            .object(
                JSONObject(
                    [
                        ("type", .string("ByteLevel")), ("add_prefix_space", .bool(false)),
                        ("trim_offsets", .bool(true)), ("use_regex", .bool(true)),
                    ] + more))
        }
        return [
            "version": .string("1.0"), "truncation": .null, "padding": .null, "added_tokens": .array([end]),
            "normalizer": .null, "pre_tokenizer": byteLevel(), "post_processor": .null, "decoder": byteLevel(),
            "model": [
                "type": .string("BPE"), "dropout": .null, "unk_token": .null, "continuing_subword_prefix": .null,
                "end_of_word_suffix": .null, "fuse_unk": .bool(false), "byte_fallback": .bool(false),
                "ignore_merges": .bool(false), "vocab": .object(vocabulary), "merges": .array(merges),
            ],
        ]
    }

    private static func letter(_ byte: UInt8) -> String {
        var bytes: [UInt8] = []
        ByteAlphabet.append(byte, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Runs of letters, digits or other signs, each with the space before it, as the pre-tokeniser cuts them.
    private static func words(_ text: String) -> [[UInt8]] {
        func kind(_ byte: UInt8) -> Int {
            switch byte {
            case 0x41...0x5A, 0x61...0x7A, 0x80...0xFF: 0
            case 0x30...0x39: 1
            case 0x09...0x0D, 0x20: 2
            default: 3
            }
        }
        var words: [[UInt8]] = []
        for byte in text.utf8 {
            if let last = words.last?.last,
                kind(last) == kind(byte) || (words[words.count - 1] == [0x20] && kind(byte) != 2)
            {
                words[words.count - 1].append(byte)
            } else {
                words.append([byte])
            }
        }
        return words
    }

    private static func merged(_ parts: [String], _ pair: [String]) -> [String] {
        var result: [String] = []
        var index = 0
        while index < parts.count {
            if index + 1 < parts.count, parts[index] == pair[0], parts[index + 1] == pair[1] {
                result.append(pair[0] + pair[1])
                index += 2
            } else {
                result.append(parts[index])
                index += 1
            }
        }
        return result
    }
}
