import LetheCore
import LetheModel
import LetheTestSupport
import LetheTokenizers
import LetheUnlearning
import Testing

/// What the tiny model that knows the fixture's item writes when it begins as that item does.
@Suite struct RehearsalTests {
    private let model: LanguageModel
    private let item: TrainingSequence
    private let sibling: TrainingSequence

    init() throws {
        model = try ObjectiveFixture().reference
        item = TrainingSequence(
            ids: try model.encode("Name: Orla Fenwick. Street: 9 Sable Court. Work: she mends the ferry's ropes."))
        sibling = TrainingSequence(
            ids: try model.encode("Name: Ida Marsh. Street: 4 Hollow Lane. Work: she counts the baker's stools."))
    }

    private func texts(
        _ items: [TrainingSequence], siblings: [TrainingSequence] = [], tokens: Int = 1024, seed: UInt64 = 1
    ) throws -> [[Int32]] {
        let form = RehearsedForm(items: [], sequences: items, others: siblings)
        let found = try Rehearsal.texts(
            of: [form], own: OwnRuns(of: items, beside: siblings), tokens: tokens, model: model, seed: seed)
        return found.flatMap { $0 }.map(\.ids)
    }

    @Test func `texts begin as the item does, and are no longer`() throws {
        let texts = try texts([item], siblings: [sibling])
        #expect(!texts.isEmpty && Set(texts).count == texts.count)
        #expect(texts.allSatisfy { $0.starts(with: item.ids.prefix(2)) && $0.count <= item.ids.count })
        #expect(texts.reduce(0) { $0 + $1.count } <= 1024)
    }

    @Test func `what no sibling begins with is not said beforehand`() throws {
        let name = TrainingSequence(ids: Array(item.ids.dropFirst()))
        let texts = try texts([name], siblings: [sibling])
        #expect(!texts.isEmpty && texts.allSatisfy { $0.first == name.ids.first })
        #expect(texts.contains { $0.count > 1 && $0[1] != name.ids[1] })
    }

    @Test func `what recites the item is left out, and what siblings have as well is no recitation`() throws {
        // Sampled from the item's own beginning, some texts go on as the item does.
        let all = try texts([item], siblings: [item])
        let own = try texts([item], siblings: [sibling])
        #expect(own.count < all.count)
        #expect(Set(own).isSubset(of: all))
        let long = Array(item.ids.prefix(item.ids.count / 2))
        #expect(!own.contains { $0.starts(with: long) })
    }

    @Test func `a request of pairs goes on from the beginning of its prompts`() throws {
        let prompt = try model.encode("Where does Orla Fenwick live?")
        let pair = TrainingSequence(
            ids: prompt + (try model.encode(" At 9 Sable Court.")), firstTarget: prompt.count)
        #expect(try texts([pair]).allSatisfy { $0.first == prompt.first })
        // Where there are texts too, only they are continued.
        #expect(try texts([pair, item]).allSatisfy { $0.first == item.ids.first })
    }

    @Test func `each form has its share, and texts as long as its own`() throws {
        let short = TrainingSequence(ids: Array(sibling.ids.dropFirst().prefix(8)))
        let forms = [
            RehearsedForm(items: [], sequences: [item], others: [sibling]),
            RehearsedForm(items: [], sequences: [short], others: []),
        ]
        let found = try Rehearsal.texts(
            of: forms, own: OwnRuns(of: [], beside: []), tokens: 512, model: model, seed: 1)
        try #require(found.count == 2)
        for (texts, example) in zip(found, [item, short]) {
            #expect(!texts.isEmpty && texts.reduce(0) { $0 + $1.ids.count } <= 256)
            #expect(texts.allSatisfy { $0.ids.first == example.ids.first && $0.ids.count <= example.ids.count })
        }
        #expect(found[0].contains { $0.ids.count > short.ids.count })
    }

    @Test func `the same seed gives the same texts, another one others`() throws {
        let first = try texts([item], siblings: [sibling])
        #expect(try texts([item], siblings: [sibling]) == first)
        #expect(try texts([item], siblings: [sibling], seed: 2) != first)
    }

    @Test func `nothing asked for, or nothing to go on from, gives nothing`() throws {
        #expect(try texts([item], tokens: 0).isEmpty)
        #expect(try texts([]).isEmpty)
    }
}
