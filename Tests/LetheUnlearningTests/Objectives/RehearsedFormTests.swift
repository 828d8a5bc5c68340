import LetheCore
import LetheModel
import LetheTestSupport
import LetheUnlearning
import Testing

/// Which keep texts are rehearsed beside a request's own form.
@Suite struct RehearsedFormTests {
    private static let record = ForgetItem.text("Name: Ada Bell\nHome: Elm Row")
    private static let question = ForgetItem.pair(prompt: "Where is Ada Bell?", completion: " Elm Row")
    private static let keep: [ForgetItem] = [
        .text("Name: Bo Frost\nHome: Pier Six"), .pair(prompt: "Where is Bo Frost?", completion: " Pier Six"),
        .text("Title: Plum\nAuthor: Cy Ward"), .pair(prompt: "Who wrote Plum?", completion: " Cy Ward"),
        .pair(prompt: "What did Cy Ward write?", completion: " Plum"),
        .text("Title: Cedar\nAuthor: Di Moss"), .pair(prompt: "Who wrote Cedar?", completion: " Di Moss"),
        .text("The ferry leaves at noon."), .text("The mill stands still."),
    ]

    private let model: LanguageModel

    init() throws { model = try GoldenModel("llama").load() }

    private func forms(
        _ items: [ForgetItem] = [record, question], keep: [ForgetItem] = keep, count: Int = 9, seed: UInt64 = 1
    ) throws -> [RehearsedForm] {
        try RehearsedForm.ofKeepTexts(keep, but: items, count: count, model: model, window: 256, seed: seed)
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func `each form but the request's comes once, with the pairs that follow its text`(seed: UInt64) throws {
        let found = try forms(seed: seed)
        try #require(found.count == 2)
        let titled = try #require(found.first { $0.items.count > 1 })
        #expect([Array(Self.keep[2...4]), Array(Self.keep[5...6])].contains(titled.items))
        let free = try #require(found.first { $0.items.count == 1 })
        #expect([Array(Self.keep[7...7]), Array(Self.keep[8...8])].contains(free.items))
        for form in found {
            let text = try TrainingSequence.sequences(of: form.items[0], model: model, window: 256)
            #expect(form.sequences == text && form.others.count == 1 && form.others != text)
        }
    }

    @Test func `seeds draw others, the same one the same`() throws {
        let drawn = try (1...8).map { try forms(count: 1, seed: UInt64($0)).map(\.items) }
        #expect(drawn.allSatisfy { $0.count == 1 } && Set(drawn.flatMap { $0 }.map(\.count)).count > 1)
        #expect(try forms(count: 1, seed: 3).map(\.items) == drawn[2])
    }

    @Test func `texts that are deleted are not rehearsed, and long ones only as far as a window`() throws {
        #expect(try forms([Self.keep[7], Self.keep[8]]).allSatisfy { $0.items.count > 1 })
        #expect(try forms([Self.record], keep: [Self.keep[2]]).count == 1)
        #expect(try forms([Self.record, Self.keep[2]], keep: [Self.keep[2]]).isEmpty)
        #expect(try forms(keep: []).isEmpty && forms(count: 0).isEmpty)
        let long = ForgetItem.text(String(repeating: "The ferry leaves at noon. ", count: 60))
        #expect(try forms(keep: [long]).map { $0.sequences.map(\.ids.count) } == [[256]])
    }
}
