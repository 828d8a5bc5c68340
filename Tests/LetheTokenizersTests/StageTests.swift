import LetheCore
import LetheTokenizers
import Testing

/// Single normalizers, pre-tokenizers and decoders against the reference library.
@Suite struct StageTests {
    @Test(arguments: ["normalizer", "pre_tokenizer", "decoder"])
    func `does what the reference does`(kind: String) throws {
        let golden = try Fixture.json("stages.golden.json")
        let texts = try #require(golden["texts"]?.arrayValue).compactMap(\.stringValue)
        let tokens = try #require(golden["tokens"]?.arrayValue).map { $0.arrayValue?.compactMap(\.stringValue) ?? [] }
        let stages = try #require(golden["stages"]?.arrayValue).filter { $0["kind"]?.stringValue == kind }
        #expect(stages.count > 10)
        for (index, stage) in stages.enumerated() {
            let spec = try #require(stage["spec"])
            for (position, result) in try #require(stage["results"]?.arrayValue).enumerated() {
                let place: Comment = "\(kind) \(index), input \(position)"
                switch kind {
                case "normalizer":
                    let expected = result.stringValue ?? texts[position]
                    #expect(same(try TokenizerStages.normalize(texts[position], with: spec), expected), place)
                case "pre_tokenizer":
                    let unchanged = texts[position].isEmpty ? [] : [texts[position]]
                    let expected = result.arrayValue?.compactMap(\.stringValue) ?? unchanged
                    let pieces = try TokenizerStages.pieces(of: texts[position], with: spec)
                    #expect(pieces.map { Array($0.utf8) } == expected.map { Array($0.utf8) }, place)
                default:
                    let expected = try #require(result.stringValue)
                    #expect(same(try TokenizerStages.decode(tokens[position], with: spec), expected), place)
                }
            }
        }
    }

    @Test(arguments: ["NFC", "NFD", "NFKC", "NFKD"])
    func `normalizing twice changes nothing`(form: String) throws {
        let spec: JSONValue = ["type": .string(form)]
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<300 {
            let text = RandomText.scalars(12, using: &generator)
            let once = try TokenizerStages.normalize(text, with: spec)
            #expect(same(try TokenizerStages.normalize(once, with: spec), once))
        }
    }

    @Test func `the pieces of a byte-level pre-tokenizer spell the whole text`() throws {
        var generator = SeededGenerator(seed: 6)
        let spec: JSONValue = ["type": "ByteLevel", "add_prefix_space": false, "use_regex": true]
        for _ in 0..<300 {
            let text = RandomText.scalars(20, using: &generator)
            let pieces = try TokenizerStages.pieces(of: text, with: spec)
            #expect(same(try TokenizerStages.decode(pieces, with: ["type": "ByteLevel"]), text))
        }
    }
}
