import Foundation
import LetheCore
import LetheModel
import Testing

@Suite struct SafetensorsFileTests {
    private let file: SafetensorsFile

    init() throws { file = try SafetensorsFile(FormatFixtures.url("types.safetensors")) }

    @Test func `every element type is listed with its shape`() throws {
        let expected: [(String, ElementType, [Int])] = [
            ("f64", .float64, [2]), ("f32", .float32, [1, 3]), ("f16", .float16, [3]), ("i64", .int64, [2]),
            ("u64", .uint64, [1]), ("i32", .int32, [2, 1]), ("u32", .uint32, [1]), ("i16", .int16, [1]),
            ("u16", .uint16, [1]), ("i8", .int8, [3]), ("u8", .uint8, [1]), ("bool", .bool, [2]),
            ("scalar", .float32, []), ("empty", .float32, [0, 4]), ("empty.too", .int8, [3, 0]),
            ("naïve 😀", .float32, [2]), ("", .float32, [1]),
        ]
        for (name, type, shape) in expected {
            let info = try #require(file.info(name))
            #expect(info.elementType == type)
            #expect(info.ggmlType == nil)
            #expect(info.shape == shape)
            #expect(info.elementCount == shape.reduce(1, *))
            #expect(info.byteCount == info.elementCount * type.byteSize)
            #expect(try file.bytes(name).count == info.byteCount)
        }
        #expect(file.tensorNames.count == expected.count)
        #expect(file.metadata == ["format": "pt"])
    }

    @Test func `floats are read, and halves widened`() throws {
        #expect(try file.readFloat32("f32") == [1.5, -2.5, 0.1])
        #expect(try file.readFloat32("f16") == [1.5, -2.5, Float(Float16(0.1))])
        #expect(try file.readFloat32("scalar") == [3.5])
        #expect(try file.readFloat32("empty") == [])
        #expect(try file.readFloat32("naïve 😀") == [1, 2])
        #expect(try file.bytes("i8") == [255, 5, 6])
    }

    @Test(arguments: ["f64", "i64", "u8", "bool", "empty.too"])
    func `other types are refused as floats`(_ name: String) {
        #expect(throws: LetheError.self) { try file.readFloat32(name) }
        do {
            _ = try file.readFloat32(name)
        } catch { #expect((error as? LetheError)?.code == .unsupported) }
    }

    @Test func `unknown names and wrong sizes are errors`() throws {
        #expect(file.info("absent") == nil)
        #expect(throws: LetheError(.notFound, "the checkpoint has no tensor absent")) {
            try file.readFloat32("absent")
        }
        #expect(throws: LetheError.self) { try file.withRawBytes("absent") { _ in } }
        var small = [Float](repeating: 0, count: 2)
        #expect(throws: LetheError(.usage, "tensor f32: room for 2 of 3 elements")) {
            try small.withUnsafeMutableBufferPointer { try file.readFloat32("f32", into: $0) }
        }
    }

    @Test func `names are told apart by their bytes`() throws {
        let bytes = FormatFixtures.safetensors(
            #"{"\u00e9":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"#
                + #""e\u0301":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}"#, dataBytes: 3)
        try FormatFixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("a.safetensors")
            try Data(bytes).write(to: url)
            let file = try SafetensorsFile(url)
            #expect(file.info("\u{e9}")?.shape == [1])
            #expect(file.info("e\u{301}")?.shape == [2])
        }
    }

    @Test func `tensors are listed in the order of their data`() throws {
        let bytes = FormatFixtures.safetensors(
            #"{"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},"z":{"dtype":"F32","shape":[0],"data_offsets":[4,4]},"#
                + #""a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}   "#, dataBytes: 8)
        try FormatFixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("a.safetensors")
            try Data(bytes).write(to: url)
            #expect(try SafetensorsFile(url).tensorNames == ["a", "z", "b"])
        }
    }

    @Test func `the first element that is not finite is found`() throws {
        try FormatFixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("a.safetensors")
            let writer = try SafetensorsWriter(
                url, tensors: [("good", .float32, [3]), ("bad", .bfloat16, [4])])
            try writer.write("good", from: [1, 2, 3])
            try writer.write("bad", from: [1, 2, .nan, -.infinity])
            try writer.finish()
            let file = try SafetensorsFile(url)
            #expect(try file.firstNonFiniteElement(of: "good") == nil)
            #expect(try file.firstNonFiniteElement(of: "bad") == 2)
        }
    }
}
