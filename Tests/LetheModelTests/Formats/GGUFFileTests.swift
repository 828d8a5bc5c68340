import Foundation
import LetheCore
import LetheModel
import LetheTokenizers
import Testing

@Suite struct GGUFFileTests {
    private let file: GGUFFile

    init() throws { file = try GGUFFile(FormatFixtures.url("values.gguf")) }

    @Test func `metadata of every type is read`() {
        let expected: [String: GGUFValue] = [
            "general.architecture": .string("llama"), "test.uint8": .uint8(255), "test.int8": .int8(-128),
            "test.uint16": .uint16(65535), "test.int16": .int16(-32768), "test.uint32": .uint32(.max),
            "test.int32": .int32(.min), "test.uint64": .uint64(.max), "test.int64": .int64(.min),
            "test.float32": .float32(0.5), "test.float64": .float64(1e300), "test.bool": .bool(true),
            "test.string": .string("zwölf 😀\n"),
            "test.array.uint8": .array(.uint8([0, 255])), "test.array.int8": .array(.int8([-128, 127])),
            "test.array.uint16": .array(.uint16([0, 65535])), "test.array.int16": .array(.int16([-32768, 32767])),
            "test.array.uint32": .array(.uint32([0, .max])), "test.array.int32": .array(.int32([.min, .max])),
            "test.array.uint64": .array(.uint64([0, .max])), "test.array.int64": .array(.int64([.min, .max])),
            "test.array.float32": .array(.float32([0.25, -1.5])),
            "test.array.float64": .array(.float64([1e-300, 2.5])),
            "test.array.bool": .array(.bool([true, false, true])),
            "test.array.string": .array(.string(["a", "", "é"])),
        ]
        for (key, value) in expected { #expect(file.metadata[key] == value, "\(key)") }
        #expect(file.version == 3)
        #expect(file.architecture == "llama")
        #expect(file.metadataKeys.first == "general.architecture")
        #expect(file.metadataKeys.count == file.metadata.count)
    }

    @Test func `values convert where nothing is lost`() {
        #expect(GGUFValue.uint8(3).intValue == 3)
        #expect(GGUFValue.uint64(.max).intValue == nil)
        #expect(GGUFValue.float32(1).intValue == nil)
        #expect(GGUFValue.float32(0.5).doubleValue == 0.5)
        #expect(GGUFValue.int64(-3).doubleValue == -3)
        #expect(GGUFValue.string("1").doubleValue == nil)
        #expect(GGUFArray.uint32([1, 2]).int32s == [1, 2])
        #expect(GGUFArray.uint32([1, .max]).int32s == nil)
        #expect(GGUFArray.float64([0.5]).floats == [0.5])
        #expect(GGUFArray.string(["a"]).int32s == nil)
    }

    @Test func `shapes are outermost first`() throws {
        #expect(file.tensorNames == ["vector", "matrix", "cube"])
        #expect(file.info("matrix")?.shape == [2, 3])
        #expect(file.info("matrix")?.ggmlType == .f16)
        #expect(file.info("matrix")?.elementType == nil)
        #expect(file.info("cube")?.shape == [2, 3, 4])
        #expect(try file.readFloat32("vector") == [0, 1, 2, 3, 4])
        #expect(try file.readFloat32("matrix") == [0, 1, 2, 3, 4, 5])
        #expect(throws: LetheError(.unsupported, "tensor cube: I32 cannot be read as 32-bit floats")) {
            try file.readFloat32("cube")
        }
        #expect(throws: LetheError.self) { try file.readFloat32("absent") }
    }

    @Test func `version 2 is read as well`() throws {
        var bytes = [UInt8](try Data(contentsOf: FormatFixtures.url("values.gguf")))
        bytes[4] = 2
        #expect(try FormatFixtures.ggufRejection(bytes) == nil)
    }

    @Test func `the vocabulary is found in the metadata`() throws {
        let vocabulary = try file.vocabulary()
        #expect(vocabulary.model == "gpt2")
        #expect(vocabulary.pre == "smollm")
        #expect(vocabulary.tokens == ["<|end|>", "a", "b", "ab"])
        #expect(vocabulary.tokenTypes == [3, 1, 1, 1])
        #expect(vocabulary.merges == ["a b"])
        #expect(vocabulary.scores == [0, -1, -2, -3])
        #expect(vocabulary.bosID == 0)
        #expect(vocabulary.eosID == 0)
        #expect(vocabulary.padID == nil)
        #expect(vocabulary.addBOS == false)
        #expect(vocabulary.addEOS == nil)
        #expect(vocabulary.addSpacePrefix == true)
    }

    /// The error of reading the vocabulary of a small file with these entries added, replaced or removed.
    private func vocabularyError(
        _ added: [String: GGUFValue] = [:], removing removed: String? = nil
    ) throws -> LetheError.Code? {
        var entries: [String: GGUFValue] = [
            "tokenizer.ggml.model": .string("gpt2"), "tokenizer.ggml.tokens": .array(.string(["a", "b"])),
        ]
        entries.merge(added) { _, new in new }
        if let removed { entries[removed] = nil }
        return try FormatFixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("a.gguf")
            try GGUFWriter(url, metadata: entries.map { ($0.key, $0.value) }, tensors: []).finish()
            do {
                _ = try GGUFFile(url).vocabulary()
                return nil
            } catch let error as LetheError { return error.code }
        }
    }

    @Test func `a vocabulary that does not fit together is refused`() throws {
        #expect(try vocabularyError() == nil)
        #expect(try vocabularyError(removing: "tokenizer.ggml.model") == .missingInput)
        #expect(try vocabularyError(removing: "tokenizer.ggml.tokens") == .missingInput)
        #expect(try vocabularyError(["tokenizer.ggml.model": .uint8(1)]) == .badData)
        #expect(try vocabularyError(["tokenizer.ggml.tokens": .array(.int32([1]))]) == .badData)
        #expect(try vocabularyError(["tokenizer.ggml.token_type": .array(.int32([1]))]) == .badData)
        #expect(try vocabularyError(["tokenizer.ggml.scores": .array(.float32([1]))]) == .badData)
        #expect(try vocabularyError(["tokenizer.ggml.bos_token_id": .uint32(2)]) == .badData)
        #expect(try vocabularyError(["tokenizer.ggml.eos_token_id": .int32(-2)]) == .badData)
        #expect(try vocabularyError(["tokenizer.ggml.eos_token_id": .int32(-1)]) == nil)
        #expect(try vocabularyError(["tokenizer.ggml.add_bos_token": .uint8(1)]) == .badData)
        #expect(try vocabularyError(["tokenizer.ggml.merges": .string("a b")]) == .badData)
    }

    @Test func `one part of several is refused`() throws {
        try FormatFixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("a.gguf")
            try GGUFWriter(url, metadata: [("split.count", .uint16(2))], tensors: []).finish()
            #expect(throws: LetheError(.unsupported, "a.gguf: is one of 2 parts; merge them first")) {
                try GGUFFile(url)
            }
        }
    }
}
