/// The printable alphabet that byte-level BPE writes bytes in: printable Latin-1 bytes stand for themselves, the other
/// 68 for U+0100 onwards (Radford et al. 2019, GPT-2).
enum ByteAlphabet {
    /// The scalar value for each byte; all are below 0x144.
    static let scalars: [UInt32] = {
        var result = [UInt32](repeating: 0, count: 256)
        var next: UInt32 = 0x100
        for byte in UInt32(0)..<256 {
            switch byte {
            case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF:
                result[Int(byte)] = byte
            default:
                result[Int(byte)] = next
                next += 1
            }
        }
        return result
    }()

    /// The byte for each scalar value below 0x144, or -1.
    private static let bytes: [Int16] = {
        var result = [Int16](repeating: -1, count: 0x144)
        for (byte, scalar) in scalars.enumerated() { result[Int(scalar)] = Int16(byte) }
        return result
    }()

    /// The byte that a scalar stands for, or nil outside the alphabet.
    @inline(__always)
    static func byte(of scalar: UInt32) -> UInt8? {
        guard scalar < 0x144, bytes[Int(scalar)] >= 0 else { return nil }
        return UInt8(truncatingIfNeeded: bytes[Int(scalar)])
    }

    /// Appends the alphabet's UTF-8 for a byte: one byte or two.
    @inline(__always)
    static func append(_ byte: UInt8, to output: inout [UInt8]) {
        let scalar = scalars[Int(byte)]
        if scalar < 0x80 {
            output.append(UInt8(truncatingIfNeeded: scalar))
        } else {
            output.append(UInt8(truncatingIfNeeded: 0xC0 | scalar >> 6))
            output.append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
        }
    }

    /// The bytes that a token stands for, or nil when one of its scalars is outside the alphabet.
    static func decode(_ token: ArraySlice<UInt8>) -> [UInt8]? {
        let token = Array(token)
        var result: [UInt8] = []
        result.reserveCapacity(token.count)
        var index = 0
        while index < token.count {
            let (value, length) = UTF8Scalars.decode(token, at: index)
            guard let byte = byte(of: value) else { return nil }
            result.append(byte)
            index += length
        }
        return result
    }
}
