/// Conversions between 32-bit floats and the two 16-bit formats.
package enum FloatConversion {
    /// Widens an IEEE 754 half, exactly. Branch-free, so that loops over it vectorise on any CPU: normal numbers,
    /// infinities and not-a-number get their exponent moved by a shift, an addition and a multiplication with 2^-112;
    /// zero and subnormals are built as a fraction of 0.5, which is then subtracted.
    @inline(__always)
    package static func float32(half: UInt16) -> Float {
        let word = UInt32(half) &<< 16
        let sign = word & 0x8000_0000
        let twice = word &+ word
        let normal = Float(bitPattern: (twice &>> 4) &+ (0xE0 &<< 23)) * 0x1.0p-112
        let subnormal = Float(bitPattern: (twice &>> 17) | (126 &<< 23)) - 0.5
        let magnitude = twice < (1 &<< 27) ? subnormal.bitPattern : normal.bitPattern
        return Float(bitPattern: sign | magnitude)
    }

    /// Widens a bfloat16, exactly.
    @inline(__always)
    package static func float32(bfloat16 bits: UInt16) -> Float {
        Float(bitPattern: UInt32(bits) &<< 16)
    }

    /// Narrows to an IEEE 754 half, to nearest with ties to even; too large becomes infinity, not-a-number stays so.
    @inline(__always)
    package static func half(_ value: Float) -> UInt16 {
        Float16(value).bitPattern
    }

    /// Narrows to a bfloat16, to nearest with ties to even; not-a-number stays so, made quiet.
    @inline(__always)
    package static func bfloat16(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        if bits & 0x7FFF_FFFF > 0x7F80_0000 { return UInt16(truncatingIfNeeded: bits &>> 16) | 0x40 }
        return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ ((bits &>> 16) & 1)) &>> 16)
    }

    /// Widens `count` little-endian halves.
    static func widenHalves(_ source: UnsafeRawPointer, _ target: UnsafeMutablePointer<Float>, count: Int) {
        for index in 0..<count {
            let bits = UInt16(littleEndian: source.loadUnaligned(fromByteOffset: index &* 2, as: UInt16.self))
            target[index] = float32(half: bits)
        }
    }

    /// Widens `count` little-endian bfloat16s.
    static func widenBFloat16s(_ source: UnsafeRawPointer, _ target: UnsafeMutablePointer<Float>, count: Int) {
        for index in 0..<count {
            let bits = UInt16(littleEndian: source.loadUnaligned(fromByteOffset: index &* 2, as: UInt16.self))
            target[index] = float32(bfloat16: bits)
        }
    }

    /// Copies `count` little-endian floats.
    static func copyFloats(_ source: UnsafeRawPointer, _ target: UnsafeMutablePointer<Float>, count: Int) {
        #if _endian(little)
            UnsafeMutableRawPointer(target).copyMemory(from: source, byteCount: count &* 4)
        #else
            for index in 0..<count {
                let bits = UInt32(littleEndian: source.loadUnaligned(fromByteOffset: index &* 4, as: UInt32.self))
                target[index] = Float(bitPattern: bits)
            }
        #endif
    }
}
