extension StagedFile {
    /// Writes the little-endian words that the values convert to, in pieces of half a million.
    func writeWords<Word: FixedWidthInteger>(
        _ values: UnsafeBufferPointer<Float>, at offset: Int, convert: (Float) -> Word
    ) throws {
        let piece = 1 << 19
        let width = MemoryLayout<Word>.size
        var start = 0
        while start < values.count {
            let end = min(start + piece, values.count)
            let words = [Word](unsafeUninitializedCapacity: end - start) { buffer, count in
                for index in start..<end { buffer[index - start] = convert(values[index]).littleEndian }
                count = end - start
            }
            try words.withUnsafeBytes { try write($0, at: offset + start * width) }
            start = end
        }
    }
}
