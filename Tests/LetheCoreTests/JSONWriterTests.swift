import Foundation
import LetheCore
import Testing

@Suite struct JSONWriterTests {
    @Test func `compact text keeps the order of members`() {
        let value: JSONValue = ["b": [1, 2.5, true, nil], "a": ["x": "y"], "c": [], "d": [:]]
        #expect(value.serializedString() == #"{"b":[1,2.5,true,null],"a":{"x":"y"},"c":[],"d":{}}"#)
        #expect(value.serialized() == Data(value.serializedString().utf8))
    }

    @Test func `sorted keys are in byte order`() {
        let value: JSONValue = ["b": 1, "a": 2, "B": 3, "é": 4, "": 5, "ab": 6]
        #expect(value.serializedString(sortedKeys: true) == #"{"":5,"B":3,"a":2,"ab":6,"b":1,"é":4}"#)
    }

    @Test func `pretty text is indented by two spaces`() {
        let value: JSONValue = ["a": [1, 2], "b": [:], "c": []]
        #expect(
            value.serializedString(pretty: true) == "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {},\n  \"c\": []\n}")
    }

    @Test func `control characters, quotes and backslashes are escaped`() {
        let value: JSONValue = .string("\0\u{1}\u{8}\t\n\u{b}\u{c}\r\u{1f}\"\\/é😀\u{2028}\u{7f}")
        #expect(
            value.serializedString()
                == "\"\\u0000\\u0001\\b\\t\\n\\u000b\\f\\r\\u001f\\\"\\\\/é😀\u{2028}\u{7f}\"")
    }

    @Test func `numbers that JSON cannot hold become null`() {
        #expect(
            JSONValue.array([.number(.nan), .number(.infinity), .number(-.infinity)]).serializedString()
                == "[null,null,null]")
    }

    @Test func `doubles read back to the same bits`() throws {
        var generator = SeededGenerator(seed: 7)
        var values: [Double] = [
            0, -0.0, 1, 0.1, 1e22, 1e-7, .pi, .greatestFiniteMagnitude, .leastNonzeroMagnitude, .leastNormalMagnitude,
            9007199254740992,
        ]
        while values.count < 5000 {
            let value = Double(bitPattern: generator.next())
            if value.isFinite { values.append(value) }
        }
        let text = JSONValue.array(values.map { .number($0) }).serialized()
        let parsed = try #require(JSONParser.parse(text, context: "doubles").arrayValue)
        for (original, read) in zip(values, parsed) {
            guard case .number(let number) = read else {
                Issue.record("not a number")
                continue
            }
            #expect(number.bitPattern == original.bitPattern)
        }
    }

    @Test func `random values read back equal`() throws {
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<300 {
            let value = randomValue(depth: 0, generator: &generator)
            for pretty in [false, true] {
                let read = try JSONParser.parse(value.serialized(pretty: pretty), context: "random")
                #expect(read == value)
            }
        }
    }

    private func randomValue(depth: Int, generator: inout SeededGenerator) -> JSONValue {
        switch Int.random(in: 0..<(depth < 4 ? 7 : 5), using: &generator) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &generator))
        case 2: return .integer(Int64(bitPattern: generator.next()))
        case 3: return .number(Double.random(in: -1e6...1e6, using: &generator))
        case 4: return .string(randomString(generator: &generator))
        case 5:
            let count = Int.random(in: 0..<6, using: &generator)
            return .array((0..<count).map { _ in randomValue(depth: depth + 1, generator: &generator) })
        default:
            var object = JSONObject()
            for _ in 0..<Int.random(in: 0..<20, using: &generator) {
                object[randomString(generator: &generator)] = randomValue(depth: depth + 1, generator: &generator)
            }
            return .object(object)
        }
    }

    private func randomString(generator: inout SeededGenerator) -> String {
        var string = ""
        for _ in 0..<Int.random(in: 0..<24, using: &generator) {
            let limit: UInt32 = Bool.random(using: &generator) ? 0x80 : 0x11_0000
            if let scalar = Unicode.Scalar(UInt32.random(in: 0..<limit, using: &generator)) {
                string.unicodeScalars.append(scalar)
            }
        }
        return string
    }
}
