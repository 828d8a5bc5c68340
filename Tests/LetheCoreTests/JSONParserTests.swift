import Foundation
import LetheCore
import Testing

@Suite struct JSONParserTests {
    private func parse(_ text: String, limits: JSONParser.Limits = .default) throws -> JSONValue {
        try JSONParser.parse(Data(text.utf8), limits: limits, context: "test.json")
    }

    private func rejection(_ bytes: [UInt8], limits: JSONParser.Limits = .default) -> LetheError? {
        do {
            _ = try JSONParser.parse(Data(bytes), limits: limits, context: "test.json")
            return nil
        } catch { return error as? LetheError }
    }

    @Test func `values of every kind are read`() throws {
        let value = try parse(
            """
             {"a" : null, "b":[true,false , 1,-2, 2.5,1e3,"x"], "c":{"d":{}}, "e":[] }\r\n\t
            """)
        #expect(
            value == [
                "a": nil, "b": [true, false, 1, -2, 2.5, 1000.0, "x"], "c": ["d": [:]], "e": [],
            ])
        #expect(value.objectValue?.keys == ["a", "b", "c", "e"])
        #expect(value["c"]?["d"]?.objectValue?.isEmpty == true)
        #expect(value["missing"] == nil)
        #expect(value["a"]?.isNull == true)
    }

    @Test(arguments: ["0", "7", "-7", "9223372036854775807", "-9223372036854775808"])
    func `integers keep their exact value`(_ text: String) throws {
        guard case .integer(let value) = try parse(text) else {
            Issue.record("not an integer")
            return
        }
        #expect(String(value) == text)
    }

    @Test(arguments: [
        ("9223372036854775808", 9223372036854775808.0), ("1.0", 1.0), ("1E+2", 100.0), ("2e-2", 0.02),
        ("0.1", 0.1), ("123456789012345678901234567890", 123456789012345678901234567890.0),
        ("5e-324", Double.leastNonzeroMagnitude), ("1e-400", 0.0), ("1.7976931348623157e308", 1.7976931348623157e308),
    ])
    func `other numbers become doubles`(_ text: String, _ expected: Double) throws {
        guard case .number(let value) = try parse(text) else {
            Issue.record("not a number")
            return
        }
        #expect(value == expected)
    }

    @Test func `the sign of minus zero is kept`() throws {
        #expect(try parse("-0").doubleValue?.sign == .minus)
        #expect(try parse("-0").intValue == 0)
    }

    @Test func `intValue takes integral numbers in range only`() throws {
        #expect(try parse("3.0").intValue == 3)
        #expect(try parse("3.5").intValue == nil)
        #expect(try parse("9223372036854775808").intValue == nil)
        #expect(try parse("-9223372036854775808").intValue == Int.min)
        #expect(JSONValue.number(.nan).intValue == nil)
        #expect(JSONValue.number(.infinity).intValue == nil)
        #expect(JSONValue.string("3").intValue == nil)
    }

    @Test(arguments: [
        (#""""#, ""), (#""a\"\\\/\b\f\n\r\tz""#, "a\"\\/\u{8}\u{c}\n\r\tz"), (#""\u00e9\u20AC""#, "é€"),
        (#""\ud83d\ude00!""#, "😀!"), (#""\u0000""#, "\0"), (#""\uFFFF""#, "\u{FFFF}"), ("\"é😀\u{7F}\"", "é😀\u{7F}"),
        (#""\uDBFF\uDFFF""#, "\u{10FFFF}"),
    ])
    func `strings and escapes are read`(_ text: String, _ expected: String) throws {
        let value = try #require(try parse(text).stringValue)
        #expect(Array(value.utf8) == Array(expected.utf8))
    }

    @Test func `strings are not normalised`() throws {
        let value = try parse(#"["\u00e9","e\u0301"]"#)
        let strings = try #require(value.arrayValue)
        #expect(strings[0] != strings[1])
        let object = try parse(#"{"\u00e9":1,"e\u0301":2}"#)
        #expect(object["\u{e9}"] == 1)
        #expect(object["e\u{301}"] == 2)
    }

    @Test(arguments: [
        "", " ", "[1,]", "{\"a\":1,}", "[,1]", "{,}", "[1 2]", "{\"a\" 1}", "{\"a\":}", "{a:1}", "{'a':1}", "{1:2}",
        "[1", "{\"a\":1", "{\"a\"", "{", "[", "\"abc", "\"a\\", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\u 123\"",
        "\"\\u+123\"", "tru", "True", "nul", "NaN", "Infinity", "-Infinity", "-", "+1", "01", "-01", "00", "1.", ".5",
        "1e", "1e+", "1.e3", "0x10", "1_000", "1e400", "-1e400", "1 2", "{} []", "\"a\" x", "/* c */ 1", "1 // c",
        "\"tab\tin\"", "\"line\nin\"", "\"nul\0in\"", "{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}",
        "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\ud800\"", "\"\\ud800x\"", "\"\\ud800\\n\"", "\"\\ude00\\ud83d\"",
        "]", "}", ":", ",", "\u{feff}1", "\u{a0}1", "1\u{b}", "nullnull", "truefalse",
    ])
    func `malformed text is refused`(_ text: String) {
        let error = rejection(Array(text.utf8))
        #expect(error?.code == .badData)
        #expect(error?.message.hasPrefix("test.json: byte ") == true)
    }

    @Test(
        arguments: [
            [0x80], [0xC0, 0x80], [0xC3], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF0, 0x80, 0x80, 0x80],
            [0xF4, 0x90, 0x80, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80], [0xFF], [0xE2, 0x82],
        ] as [[UInt8]])
    func `invalid UTF-8 is refused in strings, keys and escaped strings`(_ bytes: [UInt8]) {
        #expect(rejection([0x22] + bytes + [0x22])?.code == .badData)
        #expect(rejection(Array("{\"".utf8) + bytes + Array("\":1}".utf8))?.code == .badData)
        #expect(rejection(Array("\"\\n".utf8) + bytes + [0x22])?.code == .badData)
        #expect(rejection(bytes)?.code == .badData)
    }

    @Test func `every truncation of a document is refused`() throws {
        let text = Array(#"{"k\u00e9y":[1.5e3,"v\ud83d\ude00",{"n":null,"t":true}],"z":-12}"#.utf8)
        #expect(rejection(text) == nil)
        for count in 0..<text.count {
            #expect(rejection(Array(text[..<count]))?.code == .badData, "\(count) bytes")
        }
    }

    @Test func `duplicate keys are found in large objects`() throws {
        let members = (0..<1000).map { "\"key\($0)\":\($0)" }
        let value = try parse("{" + members.joined(separator: ",") + "}")
        #expect(value.objectValue?.count == 1000)
        for index in stride(from: 0, to: 1000, by: 37) { #expect(value["key\(index)"]?.intValue == index) }
        #expect(value["key1000"] == nil)
        let repeated = "{" + members.joined(separator: ",") + ",\"key500\":1}"
        #expect(rejection(Array(repeated.utf8))?.message.hasSuffix("a key occurs twice") == true)
    }

    @Test func `depth is limited`() throws {
        func nested(_ depth: Int) -> [UInt8] {
            Array(String(repeating: "[", count: depth).utf8) + Array(String(repeating: "]", count: depth).utf8)
        }
        #expect(rejection(nested(32)) == nil)
        #expect(rejection(nested(33))?.code == .limitExceeded)
        #expect(rejection(nested(100_000))?.code == .limitExceeded)
        #expect(rejection(nested(64), limits: .modelFile) == nil)
        #expect(rejection(nested(65), limits: .modelFile)?.code == .limitExceeded)
        var unlimited = JSONParser.Limits.default
        unlimited.maximumDepth = .max
        #expect(rejection(nested(256), limits: unlimited) == nil)
        #expect(rejection(nested(257), limits: unlimited)?.code == .limitExceeded)
        #expect(rejection(Array(String(repeating: "{\"a\":", count: 33).utf8))?.code == .limitExceeded)
    }

    @Test func `size, element count and number length are limited`() {
        let limits = JSONParser.Limits(maximumBytes: 9, maximumElements: 3)
        #expect(rejection(Array("[1,2]".utf8), limits: limits) == nil)
        #expect(rejection(Array("[1,2,3]".utf8), limits: limits)?.code == .limitExceeded)
        #expect(rejection(Array("[1     ,2]".utf8), limits: limits)?.code == .limitExceeded)
        #expect(rejection(Array(repeating: UInt8(ascii: "1"), count: 1024)) != nil)
        #expect(rejection(Array(repeating: UInt8(ascii: "1"), count: 1025))?.code == .limitExceeded)
        #expect(rejection(Array("0.".utf8) + Array(repeating: UInt8(ascii: "1"), count: 1000)) == nil)
    }

    @Test func `messages name the offset and quote nothing`() {
        let error = rejection(Array(#"{"name":"Secret Canary" "#.utf8))
        #expect(error?.message == "test.json: byte 24: an object is not closed")
        let second = rejection(Array(#"["Canary" x"#.utf8))
        #expect(second?.message.contains("Canary") == false)
    }

    @Test func `slices of data are read from their own start`() throws {
        let data = Data("xx[1,2]yy".utf8)
        let value = try JSONParser.parse(data[2..<7], context: "slice")
        #expect(value == [1, 2])
    }
}
