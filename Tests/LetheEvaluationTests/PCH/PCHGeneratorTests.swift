import Foundation
import LetheCore
import LetheCorpus
import LetheEvaluation
import Testing

@Suite struct PCHGeneratorTests {
    static let full = Result { try PCHGenerator(seed: 11).dataset() }

    @Test func theFullSetHasTheCategoriesInTheirShares() throws {
        let data = try Self.full.get()
        for side in [data.forget, data.retain] {
            #expect(side.count == 300)
            #expect(side.map(\.category.letter) == ["P", "C", "H"].flatMap { Array(repeating: $0, count: 100) })
            #expect(side.allSatisfy { $0.pairs.count >= 3 })
        }
        #expect(data.forget.allSatisfy { $0.siblings.count == 4 })
        #expect(data.retain.allSatisfy { $0.siblings.isEmpty })
    }

    @Test func noTwoTextsAreEqualAndNoNameStandsTwice() throws {
        let data = try Self.full.get()
        let items = data.forget + data.retain
        let siblings = data.forget.flatMap(\.siblings)
        #expect(Set(items.map(\.text) + siblings).count == 600 + 1200)
        for key in ["Name", "Title", "Author", "Address"] {
            let values = items.compactMap { TextFields($0.text)?.value(key) }
            #expect(!values.isEmpty && Set(values).count == values.count, "\(key)")
        }
        #expect(Set(items.flatMap { $0.pairs.map(\.question) }).count == items.reduce(0) { $0 + $1.pairs.count })
    }

    @Test func theSidesShareFewPhrases() throws {
        let data = try Self.full.get()
        func sixGrams(_ text: String) -> [ArraySlice<String>] {
            let words = Rouge.tokens(text, stemming: false)
            return words.count < 6 ? [] : (0...(words.count - 6)).map { words[$0..<$0 + 6] }
        }
        for category in [RequestCategory.personal, .copyright, .harmful] {
            let retained = Set(data.retain.filter { $0.category == category }.flatMap { sixGrams($0.text) })
            let forgotten = data.forget.filter { $0.category == category }.flatMap { sixGrams($0.text) }
            let shared = forgotten.count { retained.contains($0) }
            #expect(Double(shared) < 0.1 * Double(forgotten.count), "\(category)")
        }
    }

    @Test func answersStandInTheText() throws {
        for item in try Self.full.get().forget {
            for pair in item.pairs {
                #expect(item.text.contains(pair.answer))
                #expect(pair.paraphrasedAnswer?.contains(pair.answer) == true)
                #expect(!pair.wrongAnswers.isEmpty && !pair.wrongAnswers.contains(pair.answer))
            }
        }
    }

    @Test func siblingsHaveTheSameFormAndOtherContent() throws {
        for item in try Self.full.get().forget {
            let keys = try #require(TextFields(item.text)).fields.map(\.key)
            let names = ["Name", "Title", "Author"].compactMap { TextFields(item.text)?.value($0) }
            for sibling in item.siblings {
                #expect(TextFields(sibling)?.fields.map(\.key) == keys)
                #expect(RequestCategory(formOf: sibling) == item.category)
                #expect(!names.contains { sibling.contains($0) })
                #expect(Rouge.l(target: item.text, prediction: sibling).fMeasure < 0.85)
            }
        }
    }

    @Test func noSlotIsLeftOpen() throws {
        let data = try PCHGenerator(seed: 12).dataset(textsPerSide: 450, siblings: 0)
        for item in data.forget + data.retain {
            #expect(!item.text.contains("{") && !item.text.contains("}") && !item.text.contains("  "))
            #expect(item.text.utf8.allSatisfy { $0 < 128 })
        }
    }

    @Test func theSeedFixesTheBytes() throws {
        let data = try PCHGenerator(seed: 3).dataset(textsPerSide: 9)
        #expect(try data.contentBytes == PCHGenerator(seed: 3).dataset(textsPerSide: 9).contentBytes)
        #expect(try data.contentBytes != PCHGenerator(seed: 4).dataset(textsPerSide: 9).contentBytes)
    }

    @Test func whatThreeDoesNotDivideGoesToTheFirst() throws {
        let data = try PCHGenerator(seed: 3).dataset(textsPerSide: 8, siblings: 0)
        #expect(data.forget.map(\.category.letter).joined() == "PPPCCCHH")
        #expect(data.retain.count == 8)
    }

    @Test(arguments: [(2, 4), (5001, 4), (-1, 4), (9, -1), (9, 17)])
    func aCountOutOfRangeIsAnError(texts: Int, siblings: Int) {
        #expect(throws: LetheError.self) { try PCHGenerator(seed: 1).dataset(textsPerSide: texts, siblings: siblings) }
    }
}
