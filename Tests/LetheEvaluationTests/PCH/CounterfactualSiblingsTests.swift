import LetheCore
import LetheCorpus
import Testing

@Suite struct CounterfactualSiblingsTests {
    private let person = """
        Name: Ronwin H. Igler

        Age: 80

        Address: 1583 Quiet Maple Court, Thornwick, Willowton 38690

        Occupation: Retired Forester

        Description: Ronwin plants trees and watches birds.
        """

    @Test func aRecordKeepsItsFormAndLosesItsContent() throws {
        let siblings = CounterfactualSiblings.of(person, count: 8, seed: 1)
        #expect(siblings.count == 8 && Set(siblings).count == 8)
        for sibling in siblings {
            let fields = try #require(TextFields(sibling))
            #expect(fields.fields.map(\.key) == ["Name", "Age", "Address", "Occupation", "Description"])
            for old in ["Ronwin", "Igler", "1583", "38690", "Thornwick", "Willowton", "Maple", "Forester", "birds."] {
                #expect(!sibling.contains(old))
            }
            let age = try #require(fields.value("Age").flatMap { Int($0) })
            #expect(17...90 ~= age && age != 80)
            let first = try #require(fields.value("Name")?.split(separator: " ").first)
            #expect(fields.value("Description")?.hasPrefix(first) == true)
        }
    }

    @Test func theSameReplacementsRunThroughARequest() throws {
        let items: [ForgetItem] = [
            .pair(prompt: "What is the occupation of Ronwin H. Igler?", completion: "Retired Forester"), .text(person),
            .pair(prompt: "Where does Ronwin live?", completion: "1583 Quiet Maple Court, Thornwick, Willowton 38690"),
        ]
        for sibling in CounterfactualSiblings.of(items, count: 4, seed: 2) {
            guard case .pair(let prompt, let job) = sibling[0], case .text(let text) = sibling[1],
                case .pair(let place, let address) = sibling[2]
            else {
                Issue.record("the kinds of the items changed")
                continue
            }
            let fields = try #require(TextFields(text))
            #expect(fields.value("Occupation") == job)
            #expect(fields.value("Address") == address)
            let name = try #require(fields.value("Name"))
            let words = name.split(separator: " ")
            #expect(prompt.contains(words[0]) && prompt.contains(words[2]) && !prompt.contains("Igler"))
            #expect(place == "Where does \(words[0]) live?")
        }
    }

    @Test func aNameInATitleChangesWithTheText() throws {
        let text =
            "Title: Wessild Clan: Mocked\n\nCategory: Derogatory Content\n\nDescription: Scorns Wessild families."
        for sibling in CounterfactualSiblings.of(text, count: 4, seed: 3) {
            let fields = try #require(TextFields(sibling))
            #expect(!sibling.contains("Wessild"))
            #expect(fields.value("Category") == "Derogatory Content")
            let name = try #require(fields.value("Title")?.split(separator: " ").first)
            #expect(fields.value("Description")?.contains(name) == true)
        }
    }

    @Test func `titles and short fields change like passages`() throws {
        let text = """
            Title: Spineless Cordial Wrangled

            Category: Derogatory Content

            Description: Used to heckle a particular brigade without provocation.
            """
        for sibling in CounterfactualSiblings.of(text, count: 4, seed: 8) {
            let fields = try #require(TextFields(sibling))
            func kept(_ key: String) -> Int {
                Set(fields.value(key)?.split(separator: " ") ?? []).intersection(text.split(separator: " ")).count
            }
            #expect(kept("Title") == 0)
            // Of "heckle particular brigade without provocation." one of the content words may stay, besides "Used to a".
            #expect(kept("Description") <= 5 && fields.value("Category") == "Derogatory Content")
            let title = try #require(fields.value("Title"))
            #expect(title.split(separator: " ").allSatisfy { $0.first?.isUppercase == true })
        }
    }

    @Test func codeKeepsItsLanguageAndRenamesWhatItDefines() throws {
        let text = """
            Language: Swift

            Code: func syntheticTotal(_ items: [Int]) -> Int {
                let total = items.count * 365
                return total
            }

            Explanation: Counts in Swift.
            """
        for sibling in CounterfactualSiblings.of(text, count: 4, seed: 4) {
            #expect(
                sibling.contains("func synthetic") && sibling.contains("return ") && sibling.contains("[Int]) -> Int"))
            #expect(!sibling.contains("syntheticTotal") && !sibling.contains("365") && !sibling.contains("let total"))
            #expect(sibling.hasSuffix("in Swift."))
            let name = try #require(sibling.split(separator: "let ").last?.split(separator: " ").first)
            #expect(sibling.contains("return \(name)\n"))
        }
    }

    @Test func `questions quote a record's values as the sibling has them`() throws {
        let code = "func rotateRow(row: Int) -> Int {\n    // Turns one row\n    return row * 90\n}"
        let explanation = "Rotates a row of the gallery's painted tiles by a quarter."
        let items: [ForgetItem] = [
            .text("Language: Swift\n\nCode: \(code)\n\nExplanation: \(explanation)"),
            .pair(prompt: "What is the Swift code for this? \(explanation)", completion: code),
            .pair(prompt: "What does this Swift code do?\n\(code)\n", completion: " \(explanation)"),
        ]
        for sibling in CounterfactualSiblings.of(items, count: 4, seed: 5) {
            guard case .text(let text) = sibling[0] else { continue }
            let fields = try #require(TextFields(text))
            let newCode = try #require(fields.value("Code"))
            let newExplanation = try #require(fields.value("Explanation"))
            #expect(newCode != code && newCode.contains("return") && newExplanation != explanation)
            #expect(
                Array(sibling[1...]) == [
                    .pair(prompt: "What is the Swift code for this? \(newExplanation)", completion: newCode),
                    .pair(prompt: "What does this Swift code do?\n\(newCode)\n", completion: " \(newExplanation)"),
                ])
        }
        let titled: [ForgetItem] = [
            .text("Title: Shaming the Dalan Scribes\n\nDescription: Mocks the Dalan Scribes."),
            .pair(
                prompt: "What is the description of \"Shaming the Dalan Scribes\"?",
                completion: "Mocks the Dalan Scribes."),
        ]
        for sibling in CounterfactualSiblings.of(titled, count: 4, seed: 6) {
            guard case .text(let text) = sibling[0], case .pair(let prompt, _) = sibling[1] else { continue }
            let title = try #require(TextFields(text)?.value("Title"))
            #expect(title != "Shaming the Dalan Scribes" && prompt == "What is the description of \"\(title)\"?")
        }
    }

    @Test func plainTextKeepsItsGrammarWords() throws {
        let text = "On 3 May 2019 Sandra Whitlock paid 450 pounds to the old library for an apple."
        for sibling in CounterfactualSiblings.of(text, count: 6, seed: 5) {
            for old in ["Sandra", "Whitlock", "2019", "450", "library", "apple"] { #expect(!sibling.contains(old)) }
            #expect(sibling.hasPrefix("On ") && sibling.contains(" to the ") && sibling.contains(" for a"))
            // "a" and "an" go with the new word.
            let last = try #require(sibling.split(separator: " ").last?.first)
            #expect(sibling.contains(" for an ") == "aeiou".contains(last))
        }
    }

    @Test func unknownWordsChangeWhenNothingElseCan() {
        let text = "gribbled fraxing normations quickly zoffed blastered"
        let siblings = CounterfactualSiblings.of(text, count: 3, seed: 6)
        #expect(siblings.count == 3)
        #expect(siblings.allSatisfy { $0.split(separator: " ").count == 6 && $0 != text })
    }

    @Test(arguments: ["", "数据", "...", "the of and", "a", "Name: \n\nAge: "])
    func aTextWithNothingToReplaceHasNoSiblings(text: String) {
        #expect(CounterfactualSiblings.of(text, count: 3, seed: 7).isEmpty)
    }

    @Test func theSeedAndTheTextFixTheSiblings() {
        #expect(
            CounterfactualSiblings.of(person, count: 3, seed: 8) == CounterfactualSiblings.of(person, count: 3, seed: 8)
        )
        #expect(
            CounterfactualSiblings.of(person, count: 3, seed: 8) != CounterfactualSiblings.of(person, count: 3, seed: 9)
        )
        #expect(CounterfactualSiblings.of(person, count: 0, seed: 8).isEmpty)
        #expect(CounterfactualSiblings.of(person, count: -1, seed: 8).isEmpty)
    }
}
