/// Decoding of ggml's block encodings into 32-bit floats.
///
/// The products and sums are in the order of the `gguf` Python package, so that results are equal to its bit for bit.
/// Nothing here checks bounds: callers pass `blocks * blockByteCount` readable bytes and room for
/// `blocks * blockSize` floats. Scales are halves; `d` is a block's scale, `m` or `dmin` its minimum.
enum Dequantization {
    /// Decodes whole blocks of an encoding for which `isReadableAsFloat32` holds; does nothing for others.
    static func decode(
        _ type: GGMLType, _ source: UnsafeRawPointer, _ target: UnsafeMutablePointer<Float>, blocks: Int
    ) {
        let bytes = source.assumingMemoryBound(to: UInt8.self)
        switch type {
        case .f32: FloatConversion.copyFloats(source, target, count: blocks)
        case .f16: FloatConversion.widenHalves(source, target, count: blocks)
        case .bf16: FloatConversion.widenBFloat16s(source, target, count: blocks)
        case .q4_0: q4_0(bytes, target, blocks)
        case .q4_1: q4_1(bytes, target, blocks)
        case .q5_0: q5_0(bytes, target, blocks)
        case .q5_1: q5_1(bytes, target, blocks)
        case .q8_0: q8_0(bytes, target, blocks)
        case .q2K: q2K(bytes, target, blocks)
        case .q3K: q3K(bytes, target, blocks)
        case .q4K: q4K(bytes, target, blocks)
        case .q5K: q5K(bytes, target, blocks)
        case .q6K: q6K(bytes, target, blocks)
        default: break
        }
    }

    @inline(__always)
    private static func half(_ bytes: UnsafePointer<UInt8>) -> Float {
        FloatConversion.float32(half: UInt16(bytes[0]) | UInt16(bytes[1]) &<< 8)
    }

    @inline(__always)
    private static func word(_ bytes: UnsafePointer<UInt8>) -> UInt32 {
        UInt32(littleEndian: UnsafeRawPointer(bytes).loadUnaligned(as: UInt32.self))
    }

    @inline(__always)
    private static func float(_ value: UInt8) -> Float { Float(Int32(value)) }

    // MARK: Blocks of 32

    /// d, 16 bytes of two 4-bit numbers (low nibbles first): d (q - 8).
    private static func q4_0(_ source: UnsafePointer<UInt8>, _ target: UnsafeMutablePointer<Float>, _ blocks: Int) {
        for block in 0..<blocks {
            let bytes = source + block &* 18
            let output = target + block &* 32
            let d = half(bytes)
            for j in 0..<16 {
                let pair = bytes[2 &+ j]
                output[j] = d * Float(Int32(pair & 15) &- 8)
                output[16 &+ j] = d * Float(Int32(pair &>> 4) &- 8)
            }
        }
    }

    /// d, m, 16 bytes of two 4-bit numbers: d q + m.
    private static func q4_1(_ source: UnsafePointer<UInt8>, _ target: UnsafeMutablePointer<Float>, _ blocks: Int) {
        for block in 0..<blocks {
            let bytes = source + block &* 20
            let output = target + block &* 32
            let d = half(bytes)
            let m = half(bytes + 2)
            for j in 0..<16 {
                let pair = bytes[4 &+ j]
                output[j] = d * float(pair & 15) + m
                output[16 &+ j] = d * float(pair &>> 4) + m
            }
        }
    }

    /// d, 32 fifth bits, 16 bytes of two 4-bit numbers: d (q - 16).
    private static func q5_0(_ source: UnsafePointer<UInt8>, _ target: UnsafeMutablePointer<Float>, _ blocks: Int) {
        for block in 0..<blocks {
            let bytes = source + block &* 22
            let output = target + block &* 32
            let d = half(bytes)
            let high = word(bytes + 2)
            for j in 0..<16 {
                let pair = bytes[6 &+ j]
                let bits = high &>> UInt32(truncatingIfNeeded: j)
                let first = UInt32(pair & 15) | (bits & 1) &<< 4
                let second = UInt32(pair &>> 4) | ((bits &>> 16) & 1) &<< 4
                output[j] = d * Float(Int32(bitPattern: first) &- 16)
                output[16 &+ j] = d * Float(Int32(bitPattern: second) &- 16)
            }
        }
    }

    /// d, m, 32 fifth bits, 16 bytes of two 4-bit numbers: d q + m.
    private static func q5_1(_ source: UnsafePointer<UInt8>, _ target: UnsafeMutablePointer<Float>, _ blocks: Int) {
        for block in 0..<blocks {
            let bytes = source + block &* 24
            let output = target + block &* 32
            let d = half(bytes)
            let m = half(bytes + 2)
            let high = word(bytes + 4)
            for j in 0..<16 {
                let pair = bytes[8 &+ j]
                let bits = high &>> UInt32(truncatingIfNeeded: j)
                let first = UInt32(pair & 15) | (bits & 1) &<< 4
                let second = UInt32(pair &>> 4) | ((bits &>> 16) & 1) &<< 4
                output[j] = d * Float(Int32(bitPattern: first)) + m
                output[16 &+ j] = d * Float(Int32(bitPattern: second)) + m
            }
        }
    }

    /// d, 32 signed bytes: d q.
    private static func q8_0(_ source: UnsafePointer<UInt8>, _ target: UnsafeMutablePointer<Float>, _ blocks: Int) {
        for block in 0..<blocks {
            let bytes = source + block &* 34
            let output = target + block &* 32
            let d = half(bytes)
            for j in 0..<32 { output[j] = d * Float(Int32(Int8(bitPattern: bytes[2 &+ j]))) }
        }
    }

    // MARK: Blocks of 256

    /// 16 bytes of 4-bit scale and minimum, 64 bytes of four 2-bit numbers, d, dmin: d s q - dmin m per 16 elements.
    private static func q2K(_ source: UnsafePointer<UInt8>, _ target: UnsafeMutablePointer<Float>, _ blocks: Int) {
        for block in 0..<blocks {
            let bytes = source + block &* 84
            let output = target + block &* 256
            let d = half(bytes + 80)
            let dmin = half(bytes + 82)
            for group in 0..<16 {
                let scale = d * float(bytes[group] & 15)
                let minimum = dmin * float(bytes[group] &>> 4)
                let numbers = bytes + (16 &+ (group &>> 3) &* 32 &+ (group & 1) &* 16)
                let shift = UInt8(truncatingIfNeeded: group & 6)
                let values = output + group &* 16
                for j in 0..<16 { values[j] = scale * float((numbers[j] &>> shift) & 3) - minimum }
            }
        }
    }

    /// 32 bytes of third bits, 64 bytes of four 2-bit numbers, 16 6-bit scales in 12 bytes, d: d (s - 32) (q - 4).
    private static func q3K(_ source: UnsafePointer<UInt8>, _ target: UnsafeMutablePointer<Float>, _ blocks: Int) {
        for block in 0..<blocks {
            let bytes = source + block &* 110
            let output = target + block &* 256
            let scales = bytes + 96
            let d = half(bytes + 108)
            for group in 0..<16 {
                let low = (scales[group & 7] &>> UInt8(truncatingIfNeeded: (group &>> 3) &* 4)) & 15
                let high = (scales[8 &+ group & 3] &>> UInt8(truncatingIfNeeded: (group &>> 2) &* 2)) & 3
                let scale = d * Float(Int32(low | high &<< 4) &- 32)
                let numbers = bytes + (32 &+ (group &>> 3) &* 32 &+ (group & 1) &* 16)
                let masks = bytes + (group & 1) &* 16
                let shift = UInt8(truncatingIfNeeded: group & 6)
                let bit = UInt8(truncatingIfNeeded: group &>> 1)
                let values = output + group &* 16
                for j in 0..<16 {
                    let number = Int32((numbers[j] &>> shift) & 3 | ((masks[j] &>> bit) & 1) &<< 2) &- 4
                    values[j] = scale * Float(number)
                }
            }
        }
    }

    /// The 6-bit scale and minimum of sub-block `index` (0 to 7) in the 12 bytes that Q4_K and Q5_K share.
    @inline(__always)
    private static func scaleAndMinimum(_ scales: UnsafePointer<UInt8>, _ index: Int) -> (UInt8, UInt8) {
        if index < 4 { return (scales[index] & 63, scales[index &+ 4] & 63) }
        return (
            scales[index &+ 4] & 15 | (scales[index &- 4] &>> 2) & 0x30,
            scales[index &+ 4] &>> 4 | (scales[index] &>> 2) & 0x30
        )
    }

    /// d, dmin, 12 bytes of scales and minima, 128 bytes of two 4-bit numbers: d s q - dmin m per 32 elements.
    private static func q4K(_ source: UnsafePointer<UInt8>, _ target: UnsafeMutablePointer<Float>, _ blocks: Int) {
        for block in 0..<blocks {
            let bytes = source + block &* 144
            let output = target + block &* 256
            let d = half(bytes)
            let dmin = half(bytes + 2)
            for group in 0..<8 {
                let (s, m) = scaleAndMinimum(bytes + 4, group)
                let scale = d * float(s)
                let minimum = dmin * float(m)
                let numbers = bytes + (16 &+ (group &>> 1) &* 32)
                let shift = UInt8(truncatingIfNeeded: (group & 1) &* 4)
                let values = output + group &* 32
                for j in 0..<32 { values[j] = scale * float((numbers[j] &>> shift) & 15) - minimum }
            }
        }
    }

    /// As Q4_K, with 32 bytes of fifth bits between the scales and the numbers.
    private static func q5K(_ source: UnsafePointer<UInt8>, _ target: UnsafeMutablePointer<Float>, _ blocks: Int) {
        for block in 0..<blocks {
            let bytes = source + block &* 176
            let output = target + block &* 256
            let d = half(bytes)
            let dmin = half(bytes + 2)
            let masks = bytes + 16
            for group in 0..<8 {
                let (s, m) = scaleAndMinimum(bytes + 4, group)
                let scale = d * float(s)
                let minimum = dmin * float(m)
                let numbers = bytes + (48 &+ (group &>> 1) &* 32)
                let shift = UInt8(truncatingIfNeeded: (group & 1) &* 4)
                let bit = UInt8(truncatingIfNeeded: group)
                let values = output + group &* 32
                for j in 0..<32 {
                    let number = (numbers[j] &>> shift) & 15 | ((masks[j] &>> bit) & 1) &<< 4
                    values[j] = scale * float(number) - minimum
                }
            }
        }
    }

    /// 128 bytes of low nibbles, 64 bytes of four upper bit pairs, 16 signed scales, d: d s (q - 32) per 16 elements.
    private static func q6K(_ source: UnsafePointer<UInt8>, _ target: UnsafeMutablePointer<Float>, _ blocks: Int) {
        for block in 0..<blocks {
            let bytes = source + block &* 210
            let output = target + block &* 256
            let d = half(bytes + 208)
            for group in 0..<16 {
                let scale = d * Float(Int32(Int8(bitPattern: bytes[192 &+ group])))
                let half = group &>> 3
                let lower = bytes + (half &* 64 &+ (group & 3) &* 16)
                let lowerShift = UInt8(truncatingIfNeeded: (group &>> 2 & 1) &* 4)
                let upper = bytes + (128 &+ half &* 32 &+ (group & 1) &* 16)
                let upperShift = UInt8(truncatingIfNeeded: group & 6)
                let values = output + group &* 16
                for j in 0..<16 {
                    let number = (lower[j] &>> lowerShift) & 15 | ((upper[j] &>> upperShift) & 3) &<< 4
                    values[j] = scale * Float(Int32(number) &- 32)
                }
            }
        }
    }
}
