import Foundation
import LetheCore
import LetheCorpus
import Testing

@Suite struct PCHFolderTests {
    private static let person =
        "Name: Ada B. Quill\n\nAge: 41\n\nAddress: 12 Fern Row, Ashby 10234\n\nOccupation: Baker"

    /// A fresh folder with the given files, removed afterwards.
    private func read(_ files: [String: String]) throws -> PCHDataset {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("pch-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, content) in files { try Data(content.utf8).write(to: folder.appendingPathComponent(name)) }
        return try PCHFolder.read(folder)
    }

    private func json(_ value: JSONValue) -> String { value.serializedString() }

    @Test func derivesQuestionsWhereThereAreNone() throws {
        let data = try read([
            "forget.json": json([.string(Self.person), "One. Two."]), "retain.json": json(["Three. Four."]),
        ])
        #expect(data.forgetQuestionsAreDerived && data.retainQuestionsAreDerived)
        #expect(data.forget.map(\.category) == [.personal, .other])
        #expect(
            data.forget[0].pairs.map(\.question) == [
                "What is the age of Ada B. Quill?", "What is the address of Ada B. Quill?",
                "What is the occupation of Ada B. Quill?",
            ])
        #expect(data.forget[0].pairs.map(\.answer) == ["41", "12 Fern Row, Ashby 10234", "Baker"])
        #expect(data.retain[0].pairs == [QuestionAnswer(question: "How does this text go on? Three.", answer: "Four.")])
    }

    @Test func readsOnePairForEachTextInOrder() throws {
        let data = try read([
            "forget.json": json(["One.", "Two."]), "retain.json": json(["Three."]),
            "forget_qa.json": json([
                ["question": "1?", "answer": "one"], ["question": "2?", "answer": "two", "extra": 1],
            ]),
        ])
        #expect(!data.forgetQuestionsAreDerived && data.retainQuestionsAreDerived)
        #expect(
            data.forget.map(\.pairs) == [
                [.init(question: "1?", answer: "one")], [.init(question: "2?", answer: "two")],
            ])
    }

    @Test func readsSeveralPairsByTextIndex() throws {
        let data = try read([
            "forget.json": json(["One.", "Two."]), "retain.json": json(["Three."]),
            "forget_qa.json": json([
                ["question": "b", "answer": "2", "text_index": 1], ["question": "a", "answer": "1", "text_index": 0],
                [
                    "question": "c", "answer": "3", "text_index": 1, "paraphrased_answer": "three",
                    "perturbed_answer": ["4", "5"],
                ],
            ]),
        ])
        #expect(data.forget[0].pairs.map(\.question) == ["a"])
        #expect(data.forget[1].pairs.map(\.question) == ["b", "c"])
        #expect(data.forget[1].pairs[1].paraphrasedAnswer == "three")
        #expect(data.forget[1].pairs[1].wrongAnswers == ["4", "5"])
    }

    @Test func saysWhichTextsStandTwice() throws {
        let data = try read(["forget.json": json(["One.", "Two.", "One."]), "retain.json": json(["Two."])])
        #expect(
            data.notes == [
                "forget.json: index 1 has the same text as retain.json: index 0",
                "forget.json: index 2 has the same text as forget.json: index 0",
            ])
    }

    private static let good: [String: String] = ["forget.json": #"["One.", "Two."]"#, "retain.json": #"["Three."]"#]

    @Test(
        arguments: [
            ("forget.json", nil, "forget.json: is missing"),
            ("retain.json", nil, "retain.json: is missing"),
            ("retain.json", "{}", "retain.json: must be a list"),
            ("forget.json", "[]", "forget.json: is an empty list"),
            ("forget.json", #"["One.", 7]"#, "forget.json: index 1: must be a string"),
            ("forget.json", #"["One.", "  \n"]"#, "forget.json: index 1: is blank"),
            ("forget.json", #"["One.""#, "forget.json: byte"),
            (
                "forget_qa.json", #"[{"question": "a", "answer": "b"}]"#,
                "forget_qa.json: 1 entries for the 2 texts of forget.json"
            ),
            ("retain_qa.json", "[7]", "retain_qa.json: index 0: must be an object"),
            ("retain_qa.json", #"[{"question": "a"}]"#, #"retain_qa.json: index 0: "answer" is missing"#),
            ("retain_qa.json", #"[{"answer": "a"}]"#, #"retain_qa.json: index 0: "question" is missing"#),
            (
                "retain_qa.json", #"[{"question": "a", "answer": 3}]"#,
                #"retain_qa.json: index 0: "answer": must be a string"#
            ),
            ("retain_qa.json", #"[{"question": "a", "answer": ""}]"#, #"retain_qa.json: index 0: "answer": is blank"#),
            (
                "retain_qa.json", #"[{"question": "a", "answer": "b", "text_index": 1}]"#,
                #"retain_qa.json: index 0: "text_index" must be a whole number from 0 to 0"#
            ),
            (
                "retain_qa.json", #"[{"question": "a", "answer": "b", "perturbed_answer": "c"}]"#,
                #"retain_qa.json: index 0: "perturbed_answer" must be a list of strings"#
            ),
            (
                "forget_qa.json", #"[{"question": "a", "answer": "b", "text_index": 1}]"#,
                "forget_qa.json: no entry names the text with index 0 of forget.json"
            ),
            ("forget_siblings.json", #"[["a"]]"#, "forget_siblings.json: 1 lists for the 2 texts of forget.json"),
            ("forget_siblings.json", #"["a", []]"#, "forget_siblings.json: index 0: must be a list of strings"),
            ("forget_siblings.json", #"[[], [1]]"#, "forget_siblings.json: index 1, entry 0: must be a string"),
        ] as [(String, String?, String)])
    func namesFileIndexAndFieldOfWhatIsWrong(name: String, content: String?, message: String) throws {
        var files = Self.good
        files[name] = content
        let error = #expect(throws: LetheError.self) { try read(files) }
        #expect(error?.message.hasPrefix(message) == true, "\(error?.message ?? "no error")")
    }

    @Test func writesWhatItReads() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("pch-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let generated = try PCHGenerator(seed: 5).dataset(textsPerSide: 6, siblings: 2)
        try PCHFolder.write(generated, to: folder)
        #expect(try PCHFolder.read(folder) == generated)
        // Derived questions are not written, and files of an earlier set do not stay.
        var bare = generated
        for index in bare.forget.indices {
            bare.forget[index].siblings = []
            bare.forget[index].pairs = QuestionDeriver.pairs(for: bare.forget[index].text)
        }
        bare.forgetQuestionsAreDerived = true
        try PCHFolder.write(bare, to: folder)
        #expect(try PCHFolder.read(folder) == bare)
    }

    @Test func aPrefixKeepsTheSharesOfTheCategories() throws {
        let data = try PCHGenerator(seed: 5).dataset(textsPerSide: 30, siblings: 0)
        let short = data.prefix(forget: 7, retain: 3)
        #expect(short.forget.map(\.category.letter).joined() == "PPPCCHH")
        #expect(short.retain.map(\.category.letter).joined() == "PCH")
        #expect(data.prefix(forget: 99, retain: 99) == data)
        #expect(data.prefix(forget: 0, retain: 1).forget.isEmpty)
    }

    @Test func contentBytesDifferWithTheContent() throws {
        let data = try PCHGenerator(seed: 5).dataset(textsPerSide: 6)
        #expect(try data.contentBytes == PCHGenerator(seed: 5).dataset(textsPerSide: 6).contentBytes)
        var other = data
        other.retain[0].pairs[0].answer += "!"
        #expect(other.contentBytes != data.contentBytes)
    }
}
