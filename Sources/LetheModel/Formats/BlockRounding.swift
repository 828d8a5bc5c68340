import LetheCore

/// What a ggml encoding leaves of weights: each row is encoded and decoded again.
package enum BlockRounding {
    /// Encodings that can be rounded to.
    package static let types: [GGMLType] = [.q8_0, .q4_0, .q4_1]

    /// Replaces every row by what a GGUF file of this encoding gives back.
    ///
    /// Rows that are no whole number of blocks stay as they are, as ggml keeps such tensors unquantised.
    /// - Parameters:
    ///   - values: rows · columns values, in place.
    ///   - type: one of ``types``.
    /// - Throws: `unsupported` for another encoding, `bad_data` for a value that is not finite or a scale that does not
    ///   fit a half; the values are then of no use.
    package static func round(
        _ values: UnsafeMutablePointer<Float>, rows: Int, columns: Int, to type: GGMLType
    ) throws {
        guard types.contains(type) else { throw LetheError(.unsupported, "\(type.name) cannot be written") }
        guard columns % type.blockSize == 0, columns > 0 else { return }
        let blocks = columns / type.blockSize
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: blocks * type.blockByteCount, alignment: 16)
        defer { scratch.deallocate() }
        guard let bytes = scratch.baseAddress else { return }
        for row in 0..<rows {
            let start = values + row * columns
            let input = UnsafeBufferPointer(start: start, count: columns)
            let isEncoded =
                switch type {
                case .q4_0: Quantization.q4_0(input, into: scratch)
                case .q4_1: Quantization.q4_1(input, into: scratch)
                default: Quantization.q8_0(input, into: scratch)
                }
            guard isEncoded else {
                throw LetheError(.badData, "a weight is not finite, or too large for \(type.name)")
            }
            Dequantization.decode(type, bytes, start, blocks: blocks)
        }
    }
}
