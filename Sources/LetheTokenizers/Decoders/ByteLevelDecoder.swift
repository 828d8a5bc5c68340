/// Reads ``ByteAlphabet`` back into bytes. A token with a scalar outside the alphabet stands for its own UTF-8.
struct ByteLevelDecoder: Decoder {
    func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
        var result: [UInt8] = []
        for token in tokens {
            if let bytes = ByteAlphabet.decode(token[...]) {
                result.append(contentsOf: bytes)
            } else {
                result.append(contentsOf: token)
            }
        }
        return [repaired(result)]
    }
}

/// Bytes with everything that is not UTF-8 replaced by U+FFFD.
func repaired(_ bytes: [UInt8]) -> [UInt8] {
    Array(String(decoding: bytes, as: UTF8.self).utf8)
}
