import Foundation
import LetheCore
import LetheModel
import Testing

@Suite struct SafetensorsHeaderTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let bytes: [UInt8]
        let code: LetheError.Code

        init(_ description: String, _ bytes: [UInt8], _ code: LetheError.Code = .badData) {
            testDescription = description
            self.bytes = bytes
            self.code = code
        }
    }

    private static func claiming(_ length: UInt64, _ header: String = "{}") -> [UInt8] {
        FormatFixtures.safetensors(header: Array(header.utf8), dataBytes: 0, declaredLength: length)
    }

    private static func one(_ tensor: String, dataBytes: Int = 0) -> [UInt8] {
        FormatFixtures.safetensors("{\"a\":\(tensor)}", dataBytes: dataBytes)
    }

    private static func two(_ first: String, _ second: String, dataBytes: Int) -> [UInt8] {
        FormatFixtures.safetensors(
            "{\"a\":{\"dtype\":\"U8\",\"shape\":\(first)},\"b\":{\"dtype\":\"U8\",\"shape\":\(second)}}",
            dataBytes: dataBytes)
    }

    static let malformed: [Case] = [
        Case("nothing", []),
        Case("seven bytes", [UInt8](repeating: 0, count: 7)),
        Case("no header", [UInt8](repeating: 0, count: 8)),
        Case("a header of 2^60 bytes", claiming(1 << 60)),
        Case("a header of 2^64 - 1 bytes", claiming(.max)),
        Case("a header of 2^63 bytes", claiming(1 << 63)),
        Case("a header one byte too long", claiming(3)),
        Case("a header cut off", claiming(1)),
        Case("an array", FormatFixtures.safetensors("[]")),
        Case("space before the object", FormatFixtures.safetensors(" {}")),
        Case("a byte order mark", FormatFixtures.safetensors("\u{feff}{}")),
        Case("two objects", FormatFixtures.safetensors("{}{}")),
        Case("a NUL after the object", FormatFixtures.safetensors("{}\0")),
        Case(
            "invalid UTF-8",
            FormatFixtures.safetensors(header: Array("{\"".utf8) + [0xFF] + Array("\":1}".utf8), dataBytes: 0)),
        Case("data without tensors", FormatFixtures.safetensors("{}", dataBytes: 1)),
        Case(
            "a duplicate tensor",
            FormatFixtures.safetensors(
                #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#,
                dataBytes: 2)),
        Case("a duplicate field", one(#"{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}"#, dataBytes: 1)),
        Case("a tensor that is a list", one(#"["U8",[1],[0,1]]"#, dataBytes: 1)),
        Case("a tensor that is a number", one("1")),
        Case("no dtype", one(#"{"shape":[1],"data_offsets":[0,1]}"#, dataBytes: 1)),
        Case("no shape", one(#"{"dtype":"U8","data_offsets":[0,1]}"#, dataBytes: 1)),
        Case("no offsets", one(#"{"dtype":"U8","shape":[1]}"#, dataBytes: 1)),
        Case("an unknown field", one(#"{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}"#, dataBytes: 1)),
        Case("a dtype that is a number", one(#"{"dtype":1,"shape":[1],"data_offsets":[0,1]}"#, dataBytes: 1)),
        Case("an unknown dtype", one(#"{"dtype":"X8","shape":[1],"data_offsets":[0,1]}"#, dataBytes: 1), .unsupported),
        Case(
            "a dtype in small letters", one(#"{"dtype":"u8","shape":[1],"data_offsets":[0,1]}"#, dataBytes: 1),
            .unsupported),
        Case("a shape that is a number", one(#"{"dtype":"U8","shape":1,"data_offsets":[0,1]}"#, dataBytes: 1)),
        Case("a negative extent", one(#"{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}"#, dataBytes: 1)),
        Case("two negative extents", one(#"{"dtype":"U8","shape":[-1,-1],"data_offsets":[0,1]}"#, dataBytes: 1)),
        Case("a float extent", one(#"{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}"#, dataBytes: 1)),
        Case("an extent of minus zero", one(#"{"dtype":"U8","shape":[-0],"data_offsets":[0,0]}"#)),
        Case("an extent with an exponent", one(#"{"dtype":"U8","shape":[1e0],"data_offsets":[0,1]}"#, dataBytes: 1)),
        Case(
            "an extent of 2^63",
            one(#"{"dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,1]}"#, dataBytes: 1)),
        Case("a string extent", one(#"{"dtype":"U8","shape":["1"],"data_offsets":[0,1]}"#, dataBytes: 1)),
        Case("a null extent", one(#"{"dtype":"U8","shape":[null],"data_offsets":[0,1]}"#, dataBytes: 1)),
        Case(
            "rank 9", one(#"{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}"#, dataBytes: 1),
            .limitExceeded),
        Case("a shape that overflows", one(#"{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}"#)),
        Case(
            "a shape that overflows before a zero",
            one(#"{"dtype":"U8","shape":[4294967296,4294967296,0],"data_offsets":[0,0]}"#)),
        Case(
            "a byte count that overflows", one(#"{"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]}"#)),
        Case("too few bytes", one(#"{"dtype":"F32","shape":[2],"data_offsets":[0,4]}"#, dataBytes: 4)),
        Case("too many bytes", one(#"{"dtype":"F32","shape":[1],"data_offsets":[0,8]}"#, dataBytes: 8)),
        Case("bytes for an empty tensor", one(#"{"dtype":"F32","shape":[0],"data_offsets":[0,4]}"#, dataBytes: 4)),
        Case("no bytes for a scalar", one(#"{"dtype":"F32","shape":[],"data_offsets":[0,0]}"#)),
        Case("offsets the wrong way round", one(#"{"dtype":"U8","shape":[1],"data_offsets":[1,0]}"#, dataBytes: 1)),
        Case("one offset", one(#"{"dtype":"U8","shape":[1],"data_offsets":[0]}"#, dataBytes: 1)),
        Case("three offsets", one(#"{"dtype":"U8","shape":[1],"data_offsets":[0,1,1]}"#, dataBytes: 1)),
        Case("a negative offset", one(#"{"dtype":"U8","shape":[1],"data_offsets":[-1,0]}"#, dataBytes: 1)),
        Case(
            "offsets that are an object", one(#"{"dtype":"U8","shape":[1],"data_offsets":{"a":0,"b":1}}"#, dataBytes: 1)
        ),
        Case("data beyond the end", one(#"{"dtype":"U8","shape":[2],"data_offsets":[0,2]}"#, dataBytes: 1)),
        Case(
            "offsets near 2^63",
            one(
                #"{"dtype":"U8","shape":[1],"data_offsets":[9223372036854775806,9223372036854775807]}"#, dataBytes: 1)),
        Case("data that starts late", one(#"{"dtype":"U8","shape":[1],"data_offsets":[1,2]}"#, dataBytes: 2)),
        Case("bytes after the data", one(#"{"dtype":"U8","shape":[1],"data_offsets":[0,1]}"#, dataBytes: 2)),
        Case("overlapping data", two(#"[2],"data_offsets":[0,2]"#, #"[2],"data_offsets":[1,3]"#, dataBytes: 3)),
        Case("the same data twice", two(#"[2],"data_offsets":[0,2]"#, #"[2],"data_offsets":[0,2]"#, dataBytes: 2)),
        Case("data inside data", two(#"[4],"data_offsets":[0,4]"#, #"[1],"data_offsets":[2,3]"#, dataBytes: 4)),
        Case("a gap", two(#"[1],"data_offsets":[0,1]"#, #"[1],"data_offsets":[2,3]"#, dataBytes: 3)),
        Case(
            "an empty tensor inside another",
            two(#"[2],"data_offsets":[0,2]"#, #"[0],"data_offsets":[1,1]"#, dataBytes: 2)),
        Case("metadata that is a string", FormatFixtures.safetensors(#"{"__metadata__":"x"}"#)),
        Case("metadata with a number", FormatFixtures.safetensors(#"{"__metadata__":{"a":1}}"#)),
        Case("metadata with null", FormatFixtures.safetensors(#"{"__metadata__":{"a":null}}"#)),
        Case("metadata twice", FormatFixtures.safetensors(#"{"__metadata__":{},"__metadata__":{}}"#)),
        Case(
            "a name of 513 bytes",
            FormatFixtures.safetensors(
                "{\"\(String(repeating: "x", count: 513))\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
                dataBytes: 1), .limitExceeded),
        Case("nesting", one(#"{"dtype":"U8","shape":[[1]],"data_offsets":[0,1]}"#, dataBytes: 1), .limitExceeded),
    ]

    @Test(arguments: malformed)
    func `malformed files are refused`(_ test: Case) throws {
        let error = try #require(try FormatFixtures.safetensorsRejection(test.bytes))
        #expect(error.code == test.code)
        #expect(error.message.hasPrefix("test: "))
    }

    @Test(arguments: [
        FormatFixtures.safetensors("{}"), FormatFixtures.safetensors("{} \n\t "),
        FormatFixtures.safetensors(#"{"__metadata__":{}}"#),
        one(#"{"dtype":"F32","shape":[],"data_offsets":[0,4]}"#, dataBytes: 4),
        one(#"{"dtype":"F32","shape":[0],"data_offsets":[0,0]}"#),
        one(#"{"dtype":"F32","shape":[0,4611686018427387904],"data_offsets":[0,0]}"#),
        one(#"{"dtype":"U8","shape":[1,1,1,1,1,1,1,1],"data_offsets":[0,1]}"#, dataBytes: 1),
        two(#"[1],"data_offsets":[1,2]"#, #"[1],"data_offsets":[0,1]"#, dataBytes: 2),
    ])
    func `unusual files are accepted`(_ bytes: [UInt8]) throws {
        #expect(try FormatFixtures.safetensorsRejection(bytes) == nil)
    }

    @Test func `every truncation is refused`() throws {
        let bytes = [UInt8](try Data(contentsOf: FormatFixtures.url("types.safetensors")))
        #expect(try FormatFixtures.safetensorsRejection(bytes) == nil)
        for count in 0..<bytes.count {
            #expect(try FormatFixtures.safetensorsRejection(Array(bytes[..<count])) != nil, "\(count) bytes")
        }
        #expect(try FormatFixtures.safetensorsRejection(bytes + [0]) != nil)
    }

    @Test func `limits are enforced`() throws {
        let bytes = Self.two(#"[1],"data_offsets":[0,1]"#, #"[1],"data_offsets":[1,2]"#, dataBytes: 2)
        var limits = FormatLimits.default
        limits.tensors = 1
        #expect(try FormatFixtures.safetensorsRejection(bytes, limits: limits)?.code == .limitExceeded)
        limits = .default
        limits.headerBytes = 64
        #expect(try FormatFixtures.safetensorsRejection(bytes, limits: limits)?.code == .limitExceeded)
        limits = .default
        limits.dataBytes = 1
        #expect(try FormatFixtures.safetensorsRejection(bytes, limits: limits)?.code == .limitExceeded)
        limits.dataBytes = 2
        limits.tensors = 2
        #expect(try FormatFixtures.safetensorsRejection(bytes, limits: limits) == nil)
    }

    @Test func `flipped bits never trap`() throws {
        let original = [UInt8](try Data(contentsOf: FormatFixtures.url("types.safetensors")))
        var generator = SeededGenerator(seed: 5)
        var refused = 0
        for _ in 0..<4000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                bytes[Int.random(in: 0..<1000, using: &generator)] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            }
            if try FormatFixtures.safetensorsRejection(bytes) != nil { refused += 1 }
        }
        #expect(refused > 2000)
    }
}
