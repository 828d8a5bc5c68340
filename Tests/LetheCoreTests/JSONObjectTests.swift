import LetheCore
import Testing

@Suite struct JSONObjectTests {
    @Test func `members keep the order in which they were added`() {
        var object = JSONObject()
        for index in 0..<100 { object["k\(99 - index)"] = .integer(Int64(index)) }
        #expect(object.count == 100)
        #expect(object.keys == (0..<100).map { "k\(99 - $0)" })
        object["k50"] = "new"
        #expect(object.keys[49] == "k50")
        #expect(object.entries[49].value == "new")
    }

    @Test func `removing keeps look-ups right`() {
        var object = JSONObject()
        for index in 0..<40 { object["k\(index)"] = .integer(Int64(index)) }
        for index in stride(from: 0, to: 40, by: 2) { object["k\(index)"] = nil }
        object["absent"] = nil
        #expect(object.count == 20)
        for index in 0..<40 { #expect(object["k\(index)"]?.intValue == (index % 2 == 0 ? nil : index)) }
        for index in stride(from: 1, to: 35, by: 2) { object["k\(index)"] = nil }
        #expect(object.keys == ["k35", "k37", "k39"])
        object["k1"] = true
        #expect(object["k1"] == true)
    }

    @Test func `a repeated key replaces the earlier value`() {
        let object = JSONObject([("a", 1), ("b", 2), ("a", 3)])
        #expect(object.keys == ["a", "b"])
        #expect(object["a"] == 3)
    }

    @Test func `keys are told apart by their bytes`() {
        for padding in [0, 20] {
            var object = JSONObject()
            for index in 0..<padding { object["p\(index)"] = .some(.null) }
            object["\u{e9}"] = 1
            object["e\u{301}"] = 2
            #expect(object.count == padding + 2)
            #expect(object["\u{e9}"] == 1)
            #expect(object["e\u{301}"] == 2)
        }
    }

    @Test func `equality ignores the order and sees every difference`() {
        let object: JSONValue = ["a": 1, "b": ["c": "d"]]
        #expect(object == ["b": ["c": "d"], "a": 1])
        #expect(object != ["a": 1, "b": ["c": "e"]])
        #expect(object != ["a": 1])
        #expect(object != ["a": 1, "b": ["c": "d"], "e": nil])
        #expect(object != ["a": 1, "x": ["c": "d"]])
        #expect(JSONValue.integer(1) != JSONValue.number(1))
    }
}
