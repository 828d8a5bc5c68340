import Foundation
import LetheCore
import LetheModel
import Testing

@Suite struct GGUFWriterTests {
    @Test func `a file equals the one of the reference package byte for byte`() throws {
        let input = try SafetensorsFile(FormatFixtures.url("written-input.safetensors"))
        try FormatFixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("model.gguf")
            let writer = try GGUFWriter(
                url,
                metadata: [
                    ("general.architecture", .string("llama")), ("llama.block_count", .uint32(2)),
                    ("llama.rope.freq_base", .float32(10000)), ("tokenizer.ggml.add_bos_token", .bool(false)),
                    ("tokenizer.ggml.tokens", .array(.string(["x", "yz", "é"]))),
                    ("tokenizer.ggml.token_type", .array(.int32([1, 1, 3]))),
                ],
                tensors: [("table", .f32, [3, 32]), ("half", .f16, [4, 6]), ("quantized", .q8_0, [3, 32])])
            try writer.write("quantized", from: input.readFloat32("table"))
            try writer.write("table", from: input.readFloat32("table"))
            try writer.write("half", from: input.readFloat32("matrix"))
            try writer.finish()
            #expect(try Data(contentsOf: url) == Data(contentsOf: FormatFixtures.url("written.gguf")))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["model.gguf"])
        }
    }

    @Test func `metadata of every type is read back`() throws {
        let source = try GGUFFile(FormatFixtures.url("values.gguf"))
        let entries = source.metadataKeys.compactMap { key in source.metadata[key].map { (key: key, value: $0) } }
        try FormatFixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("model.gguf")
            let writer = try GGUFWriter(url, metadata: entries, tensors: [("x", .f32, [2, 1, 3])])
            try writer.write("x", from: [1, 2, 3, 4, 5, 6])
            try writer.finish()
            let copy = try GGUFFile(url)
            #expect(copy.metadata == source.metadata)
            #expect(copy.metadataKeys == source.metadataKeys)
            #expect(copy.info("x")?.shape == [2, 1, 3])
            #expect(try copy.readFloat32("x") == [1, 2, 3, 4, 5, 6])
        }
    }

    @Test func `Q8_0 blocks equal those of the reference`() throws {
        let reference = try SafetensorsFile(FormatFixtures.url("quantization.safetensors"))
        let input = try reference.readFloat32("input")
        try FormatFixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("model.gguf")
            let writer = try GGUFWriter(url, metadata: [], tensors: [("x", .q8_0, [8, 64])])
            try writer.write("x", from: input)
            try writer.finish()
            let file = try GGUFFile(url)
            #expect(try file.bytes("x") == reference.bytes("q8_0"))
            for (value, original) in zip(try file.readFloat32("x"), input) {
                #expect(abs(value - original) <= max(abs(original) * 0.2, 2e4 / 127))
            }
        }
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity, .greatestFiniteMagnitude, 65504 * 128])
    func `values beyond Q8_0 are refused`(_ value: Float) throws {
        try FormatFixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("model.gguf")
            let writer = try GGUFWriter(url, metadata: [], tensors: [("x", .q8_0, [32])])
            var values = [Float](repeating: 1, count: 32)
            values[5] = value
            do {
                try writer.write("x", from: values)
                Issue.record("no error")
            } catch let error as LetheError { #expect(error.code == .badData) }
        }
    }

    @Test func `the smallest numbers become zeros in Q8_0`() throws {
        try FormatFixtures.withTemporaryFolder { folder in
            for value in [Float.leastNonzeroMagnitude, .leastNormalMagnitude, 1e-37, -.leastNormalMagnitude / 8] {
                let url = folder.appendingPathComponent("model.gguf")
                let writer = try GGUFWriter(url, metadata: [], tensors: [("x", .q8_0, [32])])
                try writer.write("x", from: [Float](repeating: value, count: 32))
                try writer.finish()
                #expect(try GGUFFile(url).readFloat32("x").allSatisfy { $0 == 0 })
            }
        }
    }

    @Test func `large tensors are written in pieces`() throws {
        let count = (1 << 19) * 2 + 64
        let values = (0..<count).map { Float($0 % 255 - 127) }
        try FormatFixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("model.gguf")
            let writer = try GGUFWriter(url, metadata: [], tensors: [("q", .q8_0, [count]), ("h", .f16, [count])])
            try writer.write("q", from: values)
            try writer.write("h", from: values)
            try writer.finish()
            let file = try GGUFFile(url)
            #expect(try file.readFloat32("h") == values)
            let largest = zip(try file.readFloat32("q"), values).map { abs($0 - $1) }.max() ?? 1
            #expect(largest <= 0.6)
        }
    }

    @Test func `wrong use is an error`() throws {
        try FormatFixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("model.gguf")
            func failure(
                metadata: [(key: String, value: GGUFValue)] = [],
                _ tensors: [(name: String, type: GGMLType, shape: [Int])] = []
            ) -> LetheError.Code? {
                do {
                    _ = try GGUFWriter(url, metadata: metadata, tensors: tensors)
                    return nil
                } catch { return (error as? LetheError)?.code }
            }
            #expect(failure(metadata: [("a", .bool(true)), ("a", .bool(true))]) == .usage)
            #expect(failure(metadata: [("", .bool(true))]) == .usage)
            #expect(failure(metadata: [("general.alignment", .uint32(64))]) == .usage)
            #expect(failure([("x", .f32, [1]), ("x", .f32, [1])]) == .usage)
            #expect(failure([("", .f32, [1])]) == .usage)
            #expect(failure([("x", .f32, [])]) == .usage)
            #expect(failure([("x", .f32, [0])]) == .usage)
            #expect(failure([("x", .f32, [-1, -1])]) == .usage)
            #expect(failure([("x", .f32, [1, 1, 1, 1, 1])]) == .usage)
            #expect(failure([("x", .q8_0, [2, 16])]) == .usage)
            #expect(failure([("x", .q4K, [256])]) == .usage)
            #expect(failure([("x", .f32, [1 << 40, 1 << 40])]) == .usage)
            #expect(failure([("x", .f32, [1 << 58])]) == .diskFull)

            let writer = try GGUFWriter(url, metadata: [], tensors: [("x", .f32, [2])])
            #expect(throws: LetheError.self) { try writer.write("absent", from: [1]) }
            #expect(throws: LetheError.self) { try writer.write("x", from: [1]) }
            #expect(throws: LetheError.self) { try writer.finish() }
            try writer.write("x", from: [1, 2])
            #expect(throws: LetheError.self) { try writer.write("x", from: [1, 2]) }
            try writer.finish()
        }
    }
}
