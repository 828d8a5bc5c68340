import Foundation
import LetheCore
import LetheTokenizers
import Testing

/// Whether an error is a ``LetheError`` with a code, whose message names a place.
func isError(_ error: any Error, _ code: LetheError.Code, _ part: String) -> Bool {
    guard let error = error as? LetheError else { return false }
    return error.code == code && error.message.contains(part)
}

/// Files that are malformed or contradict themselves: each a clear error, never a trap.
@Suite struct MalformedTokenizerTests {
    private struct Case: CustomTestStringConvertible, Sendable {
        var name: String
        var code: LetheError.Code
        /// What the message has to name.
        var part: String
        var kind = "gpt2"
        /// JSON Pointer-like path into the fixture, and what is put there; nil removes the member.
        var path: [String]
        var value: JSONValue?

        var testDescription: String { name }
    }

    private static let cases: [Case] = [
        Case(name: "no model", code: .badData, part: "model is missing", path: ["model"], value: nil),
        Case(name: "model is a list", code: .badData, part: "model is not an object", path: ["model"], value: []),
        Case(
            name: "unknown model", code: .unsupported, part: "WordLevel", path: ["model", "type"], value: "WordLevel"),
        Case(name: "no vocab", code: .badData, part: "model.vocab is missing", path: ["model", "vocab"], value: nil),
        Case(
            name: "vocab is a list", code: .badData, part: "model.vocab is not an object", path: ["model", "vocab"],
            value: []),
        Case(
            name: "no merges", code: .badData, part: "model.merges is missing", path: ["model", "merges"], value: nil),
        Case(
            name: "merges of a wrong type", code: .badData, part: "model.merges is not an array",
            path: ["model", "merges"], value: 5),
        Case(
            name: "a merge of three", code: .badData, part: "merges[0]", path: ["model", "merges"],
            value: [["a", "b", "c"]]),
        Case(
            name: "a merge without a space", code: .badData, part: "merges[0]", path: ["model", "merges"],
            value: ["ab"]),
        Case(
            name: "a merge of numbers", code: .badData, part: "merges[0]", path: ["model", "merges"], value: [[1, 2]]),
        Case(
            name: "a merge of unknown tokens", code: .badData, part: "merge 0", path: ["model", "merges"],
            value: [["notatoken", "neither"]]),
        Case(
            name: "a merge to an unknown token", code: .badData, part: "merge 0 makes", path: ["model", "merges"],
            value: [["z", "Q"]]),
        Case(
            name: "duplicate ids", code: .badData, part: "two tokens", path: ["model", "vocab"],
            value: ["a": 0, "b": 0]),
        Case(
            name: "a negative id", code: .badData, part: "position 1", path: ["model", "vocab"],
            value: ["a": 0, "b": -1]),
        Case(
            name: "a huge id", code: .badData, part: "position 1", path: ["model", "vocab"],
            value: ["a": 0, "b": 9_223_372_036_854_775_807]),
        Case(
            name: "an id that is no integer", code: .badData, part: "position 0", path: ["model", "vocab"],
            value: ["a": 0.5]),
        Case(
            name: "an id that is a string", code: .badData, part: "position 0", path: ["model", "vocab"],
            value: ["a": "0"]),
        Case(name: "dropout", code: .unsupported, part: "dropout", path: ["model", "dropout"], value: 0.1),
        Case(name: "fuse_unk is a number", code: .badData, part: "fuse_unk", path: ["model", "fuse_unk"], value: 1),
        Case(
            name: "added_tokens is an object", code: .badData, part: "added_tokens is not an array",
            path: ["added_tokens"], value: [:]),
        Case(
            name: "an added token without id", code: .badData, part: "added_tokens[0].id", path: ["added_tokens"],
            value: [["content": "x"]]),
        Case(
            name: "an added token with a huge id", code: .badData, part: "added_tokens[0].id", path: ["added_tokens"],
            value: [["id": 4_294_967_296, "content": "<x>"]]),
        Case(
            name: "an added token with a gap before it", code: .badData, part: "next free id", path: ["added_tokens"],
            value: [["id": 1000, "content": "<x>"]]),
        Case(
            name: "an added token that renames a token", code: .badData, part: "next free id", path: ["added_tokens"],
            value: [["id": 5, "content": "<x>"]]),
        Case(
            name: "an added token with another id than in the vocabulary", code: .badData, part: "differs",
            path: ["added_tokens"], value: [["id": 420, "content": "a"]]),
        Case(
            name: "an added token twice", code: .badData, part: "added_tokens[1]", path: ["added_tokens"],
            value: [["id": 420, "content": "<x>"], ["id": 421, "content": "<x>"]]),
        Case(
            name: "an added token of a thousand bytes", code: .limitExceeded, part: "added_tokens[0]",
            path: ["added_tokens"],
            value: [["id": 420, "content": .string(String(repeating: "x", count: 1000))]]),
        Case(
            name: "an unknown normalizer", code: .unsupported, part: "\"Nmt\"", path: ["normalizer"],
            value: ["type": "Nmt"]),
        Case(
            name: "a normalizer without type", code: .badData, part: "normalizer.type", path: ["normalizer"],
            value: [:]),
        Case(name: "another version", code: .unsupported, part: "version", path: ["version"], value: "2.0"),
        Case(
            name: "two templates", code: .unsupported, part: "more than one template", kind: "bert-cased",
            path: ["post_processor"],
            value: [
                "type": "Sequence",
                "processors": [
                    ["type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]],
                    ["type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]],
                ],
            ]),
        Case(
            name: "a name that is no identifier is not quoted", code: .unsupported, part: "a name of 11 bytes",
            path: ["normalizer"], value: ["type": "hello world"]),
        Case(
            name: "an unknown pre-tokenizer", code: .unsupported, part: "pre_tokenizer.pretokenizers[1]",
            path: ["pre_tokenizer"],
            value: ["type": "Sequence", "pretokenizers": [["type": "Whitespace"], ["type": "UnicodeScripts"]]]),
        Case(
            name: "an unknown regular expression", code: .unsupported, part: "regular expression of 6 bytes",
            path: ["pre_tokenizer"],
            value: ["type": "Split", "pattern": ["Regex": "(a+)+$"], "behavior": "Isolated", "invert": false]),
        Case(
            name: "an empty literal", code: .badData, part: "pattern.String is empty", path: ["pre_tokenizer"],
            value: ["type": "Split", "pattern": ["String": ""], "behavior": "Isolated", "invert": false]),
        Case(
            name: "an unknown behavior", code: .unsupported, part: "behavior", path: ["pre_tokenizer"],
            value: ["type": "Split", "pattern": ["String": "a"], "behavior": "Doubled", "invert": false]),
        Case(
            name: "a replacement of two characters", code: .badData, part: "replacement", path: ["pre_tokenizer"],
            value: ["type": "Metaspace", "replacement": "ab", "prepend_scheme": "always"]),
        Case(
            name: "a prefix that contradicts its scheme", code: .badData, part: "contradicts", path: ["pre_tokenizer"],
            value: [
                "type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "add_prefix_space": false,
            ]),
        Case(
            name: "an unknown post-processor", code: .unsupported, part: "post_processor", path: ["post_processor"],
            value: ["type": "Other"]),
        Case(
            name: "a template with an unknown token", code: .badData, part: "single[0]", path: ["post_processor"],
            value: [
                "type": "TemplateProcessing", "single": [["SpecialToken": ["id": "<s>", "type_id": 0]]], "pair": [],
                "special_tokens": [:],
            ]),
        Case(
            name: "a template with an id outside the vocabulary", code: .badData, part: "special_tokens[0]",
            path: ["post_processor"],
            value: [
                "type": "TemplateProcessing", "single": [["SpecialToken": ["id": "<s>", "type_id": 0]]], "pair": [],
                "special_tokens": ["<s>": ["id": "<s>", "ids": [100_000], "tokens": ["<s>"]]],
            ]),
        Case(
            name: "a template that doubles the text", code: .badData, part: "single[1]", path: ["post_processor"],
            value: [
                "type": "TemplateProcessing",
                "single": [["Sequence": ["id": "A", "type_id": 0]], ["Sequence": ["id": "A", "type_id": 0]]],
                "pair": [], "special_tokens": [:],
            ]),
        Case(
            name: "an unknown decoder", code: .unsupported, part: "\"CTC\"", path: ["decoder"], value: ["type": "CTC"]),
        Case(
            name: "a decoder with a huge count", code: .badData, part: "decoder.start", path: ["decoder"],
            value: ["type": "Strip", "content": "a", "start": 4_000_000_000, "stop": 0]),
        Case(
            name: "a decoder that inserts much", code: .limitExceeded, part: "decoder.content", path: ["decoder"],
            value: ["type": "Replace", "pattern": ["String": "a"], "content": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]),
        Case(
            name: "a damaged character map", code: .badData, part: "precompiled_charsmap", path: ["normalizer"],
            value: ["type": "Precompiled", "precompiled_charsmap": "//////8="]),
        Case(
            name: "scores that are strings", code: .badData, part: "vocab[0]", kind: "unigram",
            path: ["model", "vocab"], value: [["a", "0"]]),
        Case(
            name: "an unknown id outside the vocabulary", code: .badData, part: "unk_id", kind: "unigram",
            path: ["model", "unk_id"], value: 1_000_000),
        Case(
            name: "a token that occurs twice", code: .badData, part: "occurs twice", kind: "unigram",
            path: ["model", "vocab"], value: [["<unk>", 0], ["a", -1], ["a", -2]]),
        Case(
            name: "words of a million characters", code: .badData, part: "max_input_chars_per_word",
            kind: "bert-uncased", path: ["model", "max_input_chars_per_word"], value: 1_000_000),
    ]

    @Test(arguments: cases)
    private func `is refused with its place`(item: Case) throws {
        let document = try Fixture.json("\(item.kind).tokenizer.json")
        let changed = Self.setting(document, item.path[...], item.value)
        #expect {
            try TokenizerLoader.tokenizerJSON(changed.serialized())
        } throws: {
            isError($0, item.code, item.part)
        }
    }

    private static func setting(_ value: JSONValue, _ path: ArraySlice<String>, _ new: JSONValue?) -> JSONValue {
        guard let key = path.first, var object = value.objectValue else { return new ?? nil }
        if path.count == 1 {
            object[key] = new
        } else {
            object[key] = setting(object[key] ?? nil, path.dropFirst(), new)
        }
        return .object(object)
    }

    @Test func `what is no JSON object is refused`() {
        for text in ["", "[]", "null", "{", "{\"model\":{}}x", "{\"model\":1,\"model\":2}"] {
            #expect { try TokenizerLoader.tokenizerJSON(Data(text.utf8)) } throws: {
                isError($0, .badData, "tokenizer.json")
            }
        }
    }

    @Test func `sequences of too many components are refused`() throws {
        let wide: JSONValue = [
            "type": "Sequence", "normalizers": .array(Array(repeating: ["type": "NFC"], count: 100)),
        ]
        let document = try Fixture.json("gpt2.tokenizer.json")
        #expect {
            try TokenizerLoader.tokenizerJSON(Self.setting(document, ["normalizer"], wide).serialized())
        } throws: {
            isError($0, .limitExceeded, "components")
        }
    }

    @Test func `text that a normalizer blows up is refused`() throws {
        let grow: JSONValue = [
            "type": "Replace", "pattern": ["String": "a"], "content": .string(String(repeating: "a", count: 64)),
        ]
        let normalizer: JSONValue = ["type": "Sequence", "normalizers": .array(Array(repeating: grow, count: 20))]
        let document = Self.setting(try Fixture.json("gpt2.tokenizer.json"), ["normalizer"], normalizer)
        let tokenizer = try TokenizerLoader.tokenizerJSON(document.serialized())
        #expect {
            try tokenizer.encode("a", addSpecialTokens: false)
        } throws: {
            isError($0, .limitExceeded, "bytes")
        }
    }

    @Test func `ids with gaps are accepted`() throws {
        let document = Self.setting(
            try Fixture.json("gpt2.tokenizer.json"), ["model", "vocab"],
            ["a": 3, "b": 70, "ab": 1_000, "c": 4_194_303])
        let changed = Self.setting(
            Self.setting(document, ["model", "merges"], [["a", "b"]]), ["added_tokens"], [])
        let tokenizer = try TokenizerLoader.tokenizerJSON(changed.serialized())
        #expect(try tokenizer.encode("abac", addSpecialTokens: false) == [1_000, 3, 4_194_303])
        #expect(tokenizer.decode([1_000, 4, 3], skipSpecialTokens: false) == "aba")
        #expect(tokenizer.vocabularySize == 4_194_304)
    }

    @Test func `a missing unknown token is an error for the text that needs it`() throws {
        let document = Self.setting(
            try Fixture.json("suffix-bpe.tokenizer.json"), ["model", "unk_token"], "<none>")
        let tokenizer = try TokenizerLoader.tokenizerJSON(document.serialized())
        #expect(try tokenizer.encode("the", addSpecialTokens: false).isEmpty == false)
        #expect {
            try tokenizer.encode("the \u{5B57}", addSpecialTokens: false)
        } throws: {
            isError($0, .badData, "unk_token")
        }
    }

    @Test func `random damage never traps`() throws {
        var generator = SeededGenerator(seed: 3)
        for kind in ["gpt2", "llama3", "llama2", "unigram", "bert-uncased", "added-tokens"] {
            let original = [UInt8](try Fixture.data("\(kind).tokenizer.json"))
            for _ in 0..<60 {
                var bytes = original
                for _ in 0...generator.nextInt(below: 3) {
                    let position = generator.nextInt(below: bytes.count)
                    switch generator.nextInt(below: 4) {
                    case 0: bytes[position] = UInt8(generator.nextInt(below: 256))
                    case 1: bytes.remove(at: position)
                    case 2: bytes.insert(UInt8(0x20 + generator.nextInt(below: 0x5F)), at: position)
                    default:
                        let end = min(bytes.count, position + 1 + generator.nextInt(below: 40))
                        bytes.removeSubrange(position..<end)
                    }
                }
                do {
                    let tokenizer = try TokenizerLoader.tokenizerJSON(Data(bytes))
                    let ids = try tokenizer.encode("The harbour 12 字 <|end|> é", addSpecialTokens: true)
                    _ = tokenizer.decode(ids, skipSpecialTokens: true)
                } catch is LetheError {
                    // Refused, as it should be.
                }
            }
        }
    }

    @Test func `errors quote nothing of the file`() throws {
        let canary = "canary7c1"
        let document = try Fixture.json("gpt2.tokenizer.json")
        let changes: [([String], JSONValue)] = [
            (["model", "merges"], [[.string(canary), "b"]]),
            (["model", "vocab"], .object(JSONObject([(canary, -1)]))),
            (["added_tokens"], [["id": 9, "content": .string(canary)]]),
            (["pre_tokenizer"], ["type": "Split", "pattern": ["Regex": .string(canary)], "behavior": "Removed"]),
        ]
        for (path, value) in changes {
            do {
                _ = try TokenizerLoader.tokenizerJSON(Self.setting(document, path[...], value).serialized())
                Issue.record("accepted a change of \(path)")
            } catch let error as LetheError {
                #expect(!error.message.contains(canary))
            }
        }
    }
}
