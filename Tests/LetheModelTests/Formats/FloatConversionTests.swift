import LetheModel
import Testing

@Suite struct FloatConversionTests {
    @Test func `every half is widened exactly`() {
        for bits in UInt16.min...UInt16.max {
            let expected = Float(Float16(bitPattern: bits))
            let value = FloatConversion.float32(half: bits)
            if expected.isNaN {
                #expect(value.isNaN)
            } else if value.bitPattern != expected.bitPattern {
                Issue.record("half \(bits) becomes \(value), not \(expected)")
            }
        }
    }

    @Test func `every half and every bfloat16 survives widening and narrowing`() {
        for bits in UInt16.min...UInt16.max {
            let half = FloatConversion.half(FloatConversion.float32(half: bits))
            let brain = FloatConversion.bfloat16(FloatConversion.float32(bfloat16: bits))
            if Float16(bitPattern: bits).isNaN {
                #expect(Float16(bitPattern: half).isNaN)
            } else if half != bits {
                Issue.record("half \(bits) becomes \(half)")
            }
            if Float(bitPattern: UInt32(bits) << 16).isNaN {
                #expect(Float(bitPattern: UInt32(brain) << 16).isNaN)
            } else if brain != bits {
                Issue.record("bfloat16 \(bits) becomes \(brain)")
            }
        }
    }

    @Test func `narrowing rounds as numpy and gguf do`() throws {
        let file = try SafetensorsFile(FormatFixtures.url("narrowing.safetensors"))
        let input = try file.readFloat32("input")
        let halves = try file.words("float16")
        let brains = try file.words("bfloat16")
        #expect(input.count > 1500)
        for (index, value) in input.enumerated() {
            if value.isNaN {
                #expect(Float16(bitPattern: FloatConversion.half(value)).isNaN)
                #expect(FloatConversion.float32(bfloat16: FloatConversion.bfloat16(value)).isNaN)
            } else {
                #expect(FloatConversion.half(value) == halves[index], "element \(index)")
                #expect(FloatConversion.bfloat16(value) == brains[index], "element \(index)")
            }
        }
    }

    @Test func `a signalling not-a-number does not become infinite`() {
        for bits: UInt32 in [0x7F80_0001, 0xFF80_0001, 0x7FFF_FFFF] {
            #expect(FloatConversion.float32(bfloat16: FloatConversion.bfloat16(Float(bitPattern: bits))).isNaN)
        }
    }
}

extension CheckpointReader {
    /// The 16-bit words of a tensor.
    func words(_ name: String) throws -> [UInt16] {
        try withRawBytes(name) { bytes in
            (0..<bytes.count / 2).map {
                UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 2, as: UInt16.self))
            }
        }
    }

    /// The bytes of a tensor.
    func bytes(_ name: String) throws -> [UInt8] { try withRawBytes(name) { Array($0) } }
}
