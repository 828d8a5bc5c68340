import Foundation
import LetheCore
import LetheModel
import Testing

@Suite struct SafetensorsWriterTests {
    @Test func `a file equals the one of the reference package byte for byte`() throws {
        let input = try SafetensorsFile(FormatFixtures.url("written-input.safetensors"))
        let matrix = try input.readFloat32("matrix")
        try FormatFixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("model.safetensors")
            let writer = try SafetensorsWriter(
                url,
                tensors: [("a.weight", .float32, [4, 6]), ("b.bias", .float32, [6]), ("c.weight", .float16, [4, 6])])
            try writer.write("c.weight", from: matrix)
            try writer.write("a.weight", from: matrix)
            try writer.write("b.bias", from: Array(matrix[..<6]))
            try writer.finish()
            #expect(try Data(contentsOf: url) == Data(contentsOf: FormatFixtures.url("written.safetensors")))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["model.safetensors"])
        }
    }

    @Test func `what is written is read back, rounded as the reference does`() throws {
        let reference = try SafetensorsFile(FormatFixtures.url("narrowing.safetensors"))
        let input = try reference.readFloat32("input")
        try FormatFixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("model.safetensors")
            let shape = [input.count]
            let writer = try SafetensorsWriter(
                url,
                tensors: [
                    ("w", .float32, shape), ("h", .float16, shape), ("b", .bfloat16, shape), ("s", .bfloat16, []),
                    ("e", .float16, [0, 3]), ("i", .int8, [3]), ("naïve \"\n", .uint8, [1]),
                ], metadata: ["format": "pt", "a": "ü"])
            for name in ["w", "h", "b"] { try writer.write(name, from: input) }
            try writer.write("s", from: [2])
            try Array<UInt8>([1, 2, 255]).withUnsafeBytes { try writer.writeRaw("i", from: $0) }
            try Array<UInt8>([9]).withUnsafeBytes { try writer.writeRaw("naïve \"\n", from: $0) }
            try writer.finish()

            let file = try SafetensorsFile(url)
            #expect(file.metadata == ["format": "pt", "a": "ü"])
            #expect(
                file.tensorNames
                    == ["w", "h", "b", "e", "s", "i", "naïve \"\n"].sorted { first, second in
                        let order = ["w", "h", "b", "s", "e", "i", "naïve \"\n"]
                        return order.firstIndex(of: first) ?? 0 < order.firstIndex(of: second) ?? 0
                    })
            #expect(try file.readFloat32("w").map(\.bitPattern) == input.map(\.bitPattern))
            let finite = input.indices.filter { !input[$0].isNaN }
            let (halves, brains) = (try file.words("h"), try file.words("b"))
            let (expectedHalves, expectedBrains) = (try reference.words("float16"), try reference.words("bfloat16"))
            #expect(finite.map { halves[$0] } == finite.map { expectedHalves[$0] })
            #expect(finite.map { brains[$0] } == finite.map { expectedBrains[$0] })
            let (wideHalves, wideBrains) = (try file.readFloat32("h"), try file.readFloat32("b"))
            for index in input.indices where input[index].isNaN {
                #expect(wideHalves[index].isNaN && wideBrains[index].isNaN)
            }
            #expect(try file.readFloat32("s") == [2])
            #expect(try file.bytes("i") == [1, 2, 255])
        }
    }

    @Test func `the header ends on a multiple of 8 bytes`() throws {
        try FormatFixtures.withTemporaryFolder { folder in
            for length in 0..<9 {
                let url = folder.appendingPathComponent("\(length).safetensors")
                let name = String(repeating: "n", count: length)
                let writer = try SafetensorsWriter(url, tensors: [(name, .float32, [1])], metadata: [:])
                try writer.write(name, from: [1])
                try writer.finish()
                let data = try Data(contentsOf: url)
                #expect(data.count % 8 == 4)
                #expect(try SafetensorsFile(url).readFloat32(name) == [1])
            }
        }
    }

    @Test func `large tensors are written in pieces`() throws {
        let count = (1 << 19) * 2 + 17
        let values = (0..<count).map { Float($0 % 2039) }
        try FormatFixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("model.safetensors")
            let writer = try SafetensorsWriter(url, tensors: [("x", .float16, [count])])
            try writer.write("x", from: values)
            try writer.finish()
            #expect(try SafetensorsFile(url).readFloat32("x") == values)
        }
    }

    @Test func `an unfinished file leaves the destination as it was`() throws {
        try FormatFixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("model.safetensors")
            try Data("before".utf8).write(to: url)
            do {
                let writer = try SafetensorsWriter(url, tensors: [("x", .float32, [2]), ("y", .float32, [1])])
                try writer.write("x", from: [1, 2])
                #expect(throws: LetheError(.usage, "model.safetensors: 1 tensors are not written")) {
                    try writer.finish()
                }
                let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
                #expect(names == ["model.safetensors", "model.safetensors.partial"])
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["model.safetensors"])
            #expect(try Data(contentsOf: url) == Data("before".utf8))
        }
    }

    @Test func `what a crash left is replaced`() throws {
        try FormatFixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("model.safetensors")
            try Data("left by a crash".utf8).write(to: folder.appendingPathComponent("model.safetensors.partial"))
            let writer = try SafetensorsWriter(url, tensors: [("x", .float32, [1])])
            try writer.write("x", from: [4])
            try writer.finish()
            #expect(try SafetensorsFile(url).readFloat32("x") == [4])
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["model.safetensors"])
        }
    }

    @Test func `a device that is too small is noticed at once`() throws {
        try FormatFixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("model.safetensors")
            do {
                _ = try SafetensorsWriter(url, tensors: [("x", .float32, [1 << 58])])
                Issue.record("no error")
            } catch let error as LetheError { #expect(error.code == .diskFull) }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
        }
    }

    @Test func `wrong use is an error`() throws {
        try FormatFixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("model.safetensors")
            func failure(_ tensors: [(name: String, elementType: ElementType, shape: [Int])]) -> LetheError.Code? {
                do {
                    _ = try SafetensorsWriter(url, tensors: tensors)
                    return nil
                } catch { return (error as? LetheError)?.code }
            }
            #expect(failure([("x", .float32, [1]), ("x", .float32, [1])]) == .usage)
            #expect(failure([("__metadata__", .float32, [1])]) == .usage)
            #expect(failure([("x", .float32, [-1])]) == .usage)
            #expect(failure([("x", .float32, [1 << 40, 1 << 40])]) == .usage)
            #expect(failure([("x", .uint8, [1]), ("y", .float32, [1])]) == .usage)
            #expect(failure([("x", .float32, [Int](repeating: 1, count: 9))]) == .limitExceeded)
            #expect(failure([(String(repeating: "x", count: 513), .float32, [1])]) == .limitExceeded)

            let writer = try SafetensorsWriter(url, tensors: [("x", .float32, [2]), ("i", .int32, [1])])
            #expect(throws: LetheError.self) { try writer.write("absent", from: [1]) }
            #expect(throws: LetheError.self) { try writer.write("x", from: [1]) }
            #expect(throws: LetheError.self) { try writer.write("i", from: [1]) }
            #expect(throws: LetheError.self) {
                try [UInt8](repeating: 0, count: 3).withUnsafeBytes { try writer.writeRaw("i", from: $0) }
            }
            try writer.write("x", from: [1, 2])
            #expect(throws: LetheError.self) { try writer.write("x", from: [1, 2]) }
            #expect(throws: LetheError.self) { try writer.finish() }
            try [UInt8](repeating: 0, count: 4).withUnsafeBytes { try writer.writeRaw("i", from: $0) }
            try writer.finish()
            #expect(throws: LetheError.self) { try writer.finish() }
        }
    }

    @Test func `a folder that does not exist is an error`() throws {
        try FormatFixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("absent/model.safetensors")
            do {
                _ = try SafetensorsWriter(url, tensors: [("x", .float32, [1])])
                Issue.record("no error")
            } catch let error as LetheError { #expect(error.code == .missingInput) }
        }
    }
}
