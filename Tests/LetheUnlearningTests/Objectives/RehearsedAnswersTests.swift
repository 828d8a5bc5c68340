import LetheCore
import LetheModel
import LetheTestSupport
import LetheTokenizers
import LetheUnlearning
import Testing

/// What a tiny model that was taught three records answers about those that were not asked for.
@Suite struct RehearsedAnswersTests {
    private static let records = [
        ("Ada Bell", "Elm Row", "plum"), ("Bo Frost", "Pier Six", "cedar"), ("Cy Ward", "Ash Lane", "coral"),
    ]

    /// The model, or why it could not be made.
    private static let taught = Result {
        let model = try GoldenModel("llama").load()
        var settings = FineTuner.Settings()
        settings.learningRate = 6e-3
        settings.epochs = 120
        settings.batchTokens = 256
        try FineTuner(model, settings: settings).train(records.indices.flatMap { items($0) })
        return try SavedModel(model)
    }

    private static func items(_ index: Int) -> [ForgetItem] { items(records[index]) }

    private static func items(_ record: (String, String, String)) -> [ForgetItem] {
        let (name, place, colour) = record
        return [
            .text("Name: \(name)\nHome: \(place)\nPaint: \(colour)"),
            .pair(prompt: "What is the home of \(name)?", completion: " \(place)"),
            .pair(prompt: "What is the paint of \(name)?", completion: " \(colour)"),
        ]
    }

    private let model: LanguageModel

    init() throws { model = try Self.taught.get().load() }

    private func sequences(_ items: [ForgetItem]) throws -> [TrainingSequence] {
        try items.flatMap { try TrainingSequence.sequences(of: $0, model: model, window: 256) }
    }

    private func pairs(
        about texts: [String], like items: [ForgetItem] = items(0), own: [ForgetItem] = items(0), tokens: Int = 1024
    ) throws -> [RememberedText] {
        let sibling = try sequences(Self.items(("Gus Pike", "Low Mill", "ochre")))
        return try RehearsedAnswers.pairs(
            about: [sequences(texts.map { .text($0) })],
            of: [RehearsedForm(items: items, sequences: [], others: [])],
            own: OwnRuns(of: sequences(own), beside: sibling), tokens: tokens, model: model)
    }

    private func text(_ index: Int) -> String {
        if case .text(let text) = Self.items(index)[0] { text } else { "" }
    }

    @Test func `the request's questions are asked about the texts, and answered as the model does`() throws {
        let found = try pairs(about: [text(1), text(2)])
        let expected = try [1, 2].flatMap { try sequences(Array(Self.items($0).dropFirst())) }
        #expect(found.count == expected.count)
        for pair in expected {
            let answered = try #require(
                found.map(\.sequence).first { $0.ids.prefix($0.firstTarget) == pair.ids.prefix(pair.firstTarget) })
            // It is as long as the answer about the item at most.
            let length = min(answered.ids.count, pair.ids.count)
            #expect(answered.targetCount > 0 && answered.ids.prefix(length) == pair.ids.prefix(length))
        }
    }

    @Test func `questions of each form are asked about its own texts`() throws {
        let forms = [Self.items(0), Array(Self.items(2).prefix(2))].map {
            RehearsedForm(items: $0, sequences: [], others: [])
        }
        let texts = try [text(1), text(0)].map { try sequences([.text($0)]) }
        let found = try RehearsedAnswers.pairs(
            about: texts, of: forms, own: OwnRuns(of: [], beside: []), tokens: 1024, model: model)
        let asked = found.map(\.sequence).map {
            model.tokenizer.decode(Array($0.ids.prefix($0.firstTarget)), skipSpecialTokens: true)
        }
        #expect(
            asked.sorted() == [
                "What is the home of Ada Bell?", "What is the home of Bo Frost?", "What is the paint of Bo Frost?",
            ])
    }

    @Test func `an answer ends where the model no longer knows it`() throws {
        // One record is mixed of two: of it the model knows less.
        let found = try pairs(about: ["Name: Bo Ward\nHome: Elm Row", text(1)])
        #expect(!found.isEmpty)
        for (answer, nll) in zip(found, try model.nll(of: found.map(\.sequence))) {
            #expect(answer.sequence.targetCount > 0 && nll.allSatisfy { $0 <= 0.6932 })
            #expect(zip(answer.nll, nll).allSatisfy { abs($0 - $1) < 1e-4 } && answer.nll.count == nll.count)
        }
    }

    @Test func `what recites the items is left out`() throws {
        #expect(try pairs(about: [text(1)], own: Self.items(0) + Self.items(1)).isEmpty)
        #expect(try pairs(about: [text(0)]).isEmpty)
    }

    @Test func `there are about as many tokens as were asked for, and questions of each text first`() throws {
        let found = try pairs(about: [text(1), text(2)], tokens: 30)
        #expect(!found.isEmpty && found.count < 4)
        #expect(try pairs(about: [text(1), text(2)], tokens: 0).isEmpty)
    }

    @Test func `without fields, or questions about them, nothing is asked`() throws {
        #expect(try pairs(about: ["Bo Frost is out."]).isEmpty)
        #expect(try pairs(about: [text(1)], like: [Self.items(0)[0]]).isEmpty)
        #expect(try pairs(about: [text(1)], like: [.text("Ada Bell is out."), Self.items(0)[1]]).isEmpty)
        let other = ForgetItem.pair(prompt: "Who is out?", completion: " Ada")
        #expect(try pairs(about: [text(1)], like: [Self.items(0)[0], other]).isEmpty)
    }
}
