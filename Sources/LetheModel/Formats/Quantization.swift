import LetheCore

/// Encoding of floats into ggml blocks.
enum Quantization {
    /// Encodes rows into Q8_0: blocks of 32, each a half-precision scale d = max|x| / 127 and 32 signed bytes
    /// round(x / d), halves rounded away from zero as ggml does. The bytes are found with the scale before it is
    /// rounded to a half, which is also ggml's way.
    ///
    /// - Parameters:
    ///   - values: A whole number of blocks.
    ///   - target: 34 bytes for each block.
    /// - Returns: Whether all values are finite and all scales fit a half; the output is of no use otherwise.
    static func q8_0(_ values: UnsafeBufferPointer<Float>, into target: UnsafeMutableRawBufferPointer) -> Bool {
        for block in 0..<values.count / 32 {
            let input = UnsafeBufferPointer(rebasing: values[block * 32..<block * 32 + 32])
            var largest: Float = 0
            for value in input {
                guard value.isFinite else { return false }
                largest = max(largest, abs(value))
            }
            let scale = largest / 127
            let half = FloatConversion.half(scale)
            guard half & 0x7C00 != 0x7C00 else { return false }
            // A scale whose inverse is infinite is zero as a half, and so are all values then.
            let inverse = (1 / scale).isFinite ? 1 / scale : 0
            target.storeBytes(of: half.littleEndian, toByteOffset: block * 34, as: UInt16.self)
            for (index, value) in input.enumerated() {
                let level = (value * inverse).rounded(.toNearestOrAwayFromZero)
                target[block * 34 + 2 + index] = UInt8(bitPattern: Int8(max(-127, min(127, level))))
            }
        }
        return true
    }
}
