import Foundation
import LetheCore
import LetheModel
import Testing

@Suite struct GGUFHeaderTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let bytes: [UInt8]
        let code: LetheError.Code
    }

    private static func malformed(
        _ description: String, _ code: LetheError.Code = .badData, version: UInt32 = 3, tensors: UInt64 = 0,
        entries: UInt64 = 0, _ build: (inout GGUFBytes) -> Void = { _ in }
    ) -> Case {
        var bytes = GGUFBytes(version: version, tensors: tensors, entries: entries)
        build(&bytes)
        return Case(testDescription: description, bytes: bytes.bytes, code: code)
    }

    /// A file of one tensor.
    private static func tensor(
        _ description: String, _ dimensions: [UInt64], type: UInt32 = 0, offset: UInt64 = 0, data: Int,
        _ code: LetheError.Code = .badData
    ) -> Case {
        malformed(description, code, tensors: 1) {
            $0.tensor("a", dimensions, type: type, offset: offset)
            $0.data(data)
        }
    }

    static let cases: [Case] = [
        Case(testDescription: "nothing", bytes: [], code: .badData),
        Case(testDescription: "three bytes", bytes: Array("GGU".utf8), code: .badData),
        Case(
            testDescription: "another magic", bytes: Array("GGML".utf8) + [UInt8](repeating: 0, count: 20),
            code: .badData),
        malformed("version 0", .unsupported, version: 0),
        malformed("version 1", .unsupported, version: 1),
        malformed("version 4", .unsupported, version: 4),
        malformed("big-endian", .unsupported, version: 0x0300_0000),
        malformed("2^60 entries", entries: 1 << 60),
        malformed("2^64 - 1 entries", entries: .max),
        malformed("2^60 tensors", tensors: 1 << 60),
        malformed("2^64 - 1 tensors", tensors: .max),
        malformed("a key of 2^60 bytes", entries: 1) {
            $0.number(UInt64(1) << 60)
            $0.data(64)
        },
        malformed("a key of 2^64 - 1 bytes", entries: 1) {
            $0.number(UInt64.max)
            $0.data(64)
        },
        malformed("an empty key", entries: 1) { $0.entry("", type: 10, UInt64(0)) },
        malformed("a key of 65,536 bytes", .limitExceeded, entries: 1) {
            $0.entry(String(repeating: "k", count: 65_536), type: 10, UInt64(0))
        },
        malformed("a key that is not UTF-8", entries: 1) {
            $0.number(UInt64(2))
            $0.bytes.append(contentsOf: [0xC3, 0x28])
            $0.number(UInt32(10))
            $0.number(UInt64(0))
        },
        malformed("a duplicate key", entries: 2) {
            $0.entry("k", type: 10, UInt64(0))
            $0.entry("k", type: 10, UInt64(0))
        },
        malformed("an unknown value type", entries: 1) { $0.entry("k", type: 13, UInt64(0)) },
        malformed("a truth value of 2", entries: 1) { $0.entry("key", type: 7, UInt8(2)) },
        malformed("a value cut off", entries: 1) { $0.entry("key", type: 10, UInt32(2)) },
        malformed("a string of 2^63 bytes", entries: 1) { $0.entry("k", type: 8, UInt64(1) << 63) },
        malformed("a string that is not UTF-8", entries: 1) {
            $0.entry("k", type: 8, UInt64(1))
            $0.bytes.append(0x80)
        },
        malformed("an array of 2^61 numbers", entries: 1) {
            $0.entry("k", type: 9, UInt32(10))
            $0.number(UInt64(1) << 61)
            $0.data(64)
        },
        malformed("an array of 2^64 - 1 strings", entries: 1) {
            $0.entry("k", type: 9, UInt32(8))
            $0.number(UInt64.max)
            $0.data(64)
        },
        malformed("an array one element too long", entries: 1) {
            $0.entry("k", type: 9, UInt32(4))
            $0.number(UInt64(3))
            $0.number(UInt64(0))
        },
        malformed("an array of arrays", .unsupported, entries: 1) {
            $0.entry("k", type: 9, UInt32(9))
            $0.number(UInt64(1))
            $0.data(64)
        },
        malformed("an unknown element type", entries: 1) {
            $0.entry("k", type: 9, UInt32(77))
            $0.number(UInt64(0))
        },
        malformed("an alignment of 0", entries: 1) { $0.entry("general.alignment", type: 4, UInt32(0)) },
        malformed("an alignment of 4", entries: 1) { $0.entry("general.alignment", type: 4, UInt32(4)) },
        malformed("an alignment of 24", entries: 1) { $0.entry("general.alignment", type: 4, UInt32(24)) },
        malformed("an alignment of 64 bits", entries: 1) { $0.entry("general.alignment", type: 10, UInt64(32)) },
        malformed("an alignment beyond the file", tensors: 1, entries: 1) {
            $0.entry("general.alignment", type: 4, UInt32(1) << 31)
            $0.tensor("a", [1])
            $0.data(4)
        },
        tensor("rank 0", [], data: 64),
        tensor("rank 5", [1, 1, 1, 1, 1], data: 4),
        malformed("a rank of 2^32 - 1", tensors: 1) {
            $0.string("a")
            $0.number(UInt32.max)
            $0.data(64)
        },
        tensor("an extent of 0", [4, 0], data: 4),
        tensor("an extent of 2^63", [1 << 63], data: 4),
        tensor("a shape that overflows", [1 << 32, 1 << 32], data: 4),
        tensor("a shape that overflows to little", [1 << 62, 1 << 2], data: 4),
        tensor("a byte count that overflows", [1 << 62], data: 4),
        tensor("an unknown encoding", [1], type: 999, data: 4, .unsupported),
        tensor("an encoding that was removed", [32], type: 4, data: 64, .unsupported),
        tensor("a row of half a block", [16, 2], type: 2, data: 64),
        tensor("data beyond the end", [9], data: 32),
        tensor("no data", [1], data: 0),
        tensor("an offset that is not aligned", [1], offset: 4, data: 64),
        tensor("an offset beyond the end", [1], offset: 64, data: 64),
        tensor("an offset of 2^63", [1], offset: 1 << 63, data: 64),
        tensor("an offset near 2^63", [1], offset: (1 << 63) - 32, data: 64),
        malformed("a tensor without a name", tensors: 1) {
            $0.tensor("", [1])
            $0.data(4)
        },
        malformed("a name of 513 bytes", .limitExceeded, tensors: 1) {
            $0.tensor(String(repeating: "n", count: 513), [1])
            $0.data(4)
        },
        malformed("a duplicate tensor", tensors: 2) {
            $0.tensor("a", [1])
            $0.tensor("a", [1], offset: 32)
            $0.data(64)
        },
        malformed("overlapping tensors", tensors: 2) {
            $0.tensor("a", [16], offset: 0)
            $0.tensor("b", [1], offset: 32)
            $0.data(64)
        },
        malformed("the same data twice", tensors: 2) {
            $0.tensor("a", [1], offset: 32)
            $0.tensor("b", [1], offset: 32)
            $0.data(64)
        },
    ]

    @Test(arguments: cases)
    func `malformed files are refused`(_ test: Case) throws {
        let error = try #require(try FormatFixtures.ggufRejection(test.bytes))
        #expect(error.code == test.code)
        #expect(error.message.hasPrefix("test: "))
    }

    @Test func `unusual files are accepted`() throws {
        #expect(try FormatFixtures.ggufRejection(GGUFBytes(tensors: 0, entries: 0).bytes) == nil)
        var bytes = GGUFBytes(version: 2, tensors: 2, entries: 1)
        bytes.entry("general.alignment", type: 4, UInt32(8))
        bytes.tensor("b", [2], offset: 8)
        bytes.tensor("a", [1, 1, 1, 1], offset: 0)
        bytes.data(16, alignment: 8)
        #expect(try FormatFixtures.ggufRejection(bytes.bytes) == nil)
        var empty = GGUFBytes(tensors: 0, entries: 1)
        empty.entry("k", type: 9, UInt32(8))
        empty.number(UInt64(0))
        #expect(try FormatFixtures.ggufRejection(empty.bytes) == nil)
    }

    @Test(arguments: ["values.gguf", "dequantization.gguf"])
    func `every truncation is refused`(_ name: String) throws {
        let bytes = [UInt8](try Data(contentsOf: FormatFixtures.url(name)))
        #expect(try FormatFixtures.ggufRejection(bytes) == nil)
        // The last tensor may lack its padding, which is at most 31 bytes.
        for count in 0..<bytes.count - 31 {
            #expect(try FormatFixtures.ggufRejection(Array(bytes[..<count])) != nil, "\(count) bytes")
        }
    }

    @Test func `limits are enforced`() throws {
        let bytes = [UInt8](try Data(contentsOf: FormatFixtures.url("values.gguf")))
        var limits = FormatLimits.default
        limits.tensors = 2
        #expect(try FormatFixtures.ggufRejection(bytes, limits: limits)?.code == .limitExceeded)
        limits = .default
        limits.metadataEntries = 2
        #expect(try FormatFixtures.ggufRejection(bytes, limits: limits)?.code == .limitExceeded)
        limits = .default
        limits.nameBytes = 5
        #expect(try FormatFixtures.ggufRejection(bytes, limits: limits)?.code == .limitExceeded)
        limits = .default
        limits.dataBytes = 8
        #expect(try FormatFixtures.ggufRejection(bytes, limits: limits)?.code == .limitExceeded)
    }

    @Test func `flipped bits never trap`() throws {
        let original = [UInt8](try Data(contentsOf: FormatFixtures.url("values.gguf")))
        var generator = SeededGenerator(seed: 6)
        var refused = 0
        for _ in 0..<4000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] ^=
                    1 << UInt8.random(in: 0..<8, using: &generator)
            }
            if try FormatFixtures.ggufRejection(bytes) != nil { refused += 1 }
        }
        #expect(refused > 1000)
    }
}
