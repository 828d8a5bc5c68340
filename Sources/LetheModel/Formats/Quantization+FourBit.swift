import LetheCore

extension Quantization {
    /// Encodes rows into Q4_0: blocks of 32, each a half-precision scale d, the value farthest from 0 divided by -8,
    /// and 16 bytes of two 4-bit numbers (low nibbles first) trunc(x / d + 8.5), at most 15.
    ///
    /// - Parameters:
    ///   - values: A whole number of blocks.
    ///   - target: 18 bytes for each block.
    /// - Returns: Whether all values are finite and all scales fit a half; the output is of no use otherwise.
    static func q4_0(_ values: UnsafeBufferPointer<Float>, into target: UnsafeMutableRawBufferPointer) -> Bool {
        for block in 0..<values.count / 32 {
            let input = UnsafeBufferPointer(rebasing: values[block * 32..<block * 32 + 32])
            var farthest: Float = 0
            for value in input {
                guard value.isFinite else { return false }
                // The first of equals, as argmax has it.
                if abs(value) > abs(farthest) { farthest = value }
            }
            let scale = farthest / -8
            guard store(scale, in: target, at: block * 18) else { return false }
            let inverse = inverse(of: scale)
            pack(input, into: target, at: block * 18 + 2) { $0 * inverse + 8.5 }
        }
        return true
    }

    /// Encodes rows into Q4_1: blocks of 32, each a half-precision scale d = (max - min) / 15, the minimum m as a half,
    /// and 16 bytes of two 4-bit numbers trunc((x - m) / d + 0.5), at most 15. The numbers are found with d and m
    /// before they are rounded to halves.
    ///
    /// - Parameters:
    ///   - values: A whole number of blocks.
    ///   - target: 20 bytes for each block.
    /// - Returns: Whether all values are finite and all scales fit a half; the output is of no use otherwise.
    static func q4_1(_ values: UnsafeBufferPointer<Float>, into target: UnsafeMutableRawBufferPointer) -> Bool {
        for block in 0..<values.count / 32 {
            let input = UnsafeBufferPointer(rebasing: values[block * 32..<block * 32 + 32])
            var smallest = input[0]
            var largest = input[0]
            for value in input {
                guard value.isFinite else { return false }
                smallest = min(smallest, value)
                largest = max(largest, value)
            }
            let scale = (largest - smallest) / 15
            guard store(scale, in: target, at: block * 20), store(smallest, in: target, at: block * 20 + 2) else {
                return false
            }
            let inverse = inverse(of: scale)
            pack(input, into: target, at: block * 20 + 4) { ($0 - smallest) * inverse + 0.5 }
        }
        return true
    }

    /// 1 / scale; 0 for a scale of 0, and for one whose inverse is infinite, which is 0 as a half.
    private static func inverse(of scale: Float) -> Float { (1 / scale).isFinite ? 1 / scale : 0 }

    /// Writes a half; false when the value does not fit one.
    private static func store(_ value: Float, in target: UnsafeMutableRawBufferPointer, at offset: Int) -> Bool {
        let half = FloatConversion.half(value)
        guard half & 0x7C00 != 0x7C00 else { return false }
        target.storeBytes(of: half.littleEndian, toByteOffset: offset, as: UInt16.self)
        return true
    }

    /// Packs 32 levels, truncated to 0 ... 15, into 16 bytes.
    private static func pack(
        _ input: UnsafeBufferPointer<Float>, into target: UnsafeMutableRawBufferPointer, at offset: Int,
        level: (Float) -> Float
    ) {
        func number(_ value: Float) -> UInt8 { UInt8(max(0, min(15, level(value)))) }
        for index in 0..<16 {
            target[offset + index] = number(input[index]) | number(input[index + 16]) << 4
        }
    }
}
