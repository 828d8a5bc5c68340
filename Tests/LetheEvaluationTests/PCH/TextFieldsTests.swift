import LetheCore
import LetheCorpus
import Testing

@Suite struct TextFieldsTests {
    @Test func takesFieldsApartAndPutsThemTogether() throws {
        let text = "Name: Ada Quill\n\nHomeTown: Ashby \n\nNotes: first\nSecond: not a field here"
        var fields = try #require(TextFields(text))
        #expect(fields.fields.map(\.key) == ["Name", "HomeTown", "Notes"])
        #expect(fields.fields.map(\.spokenKey) == ["name", "home town", "notes"])
        #expect(fields.fields[2].value == "first\nSecond: not a field here")
        #expect(fields.value("hometown") == "Ashby")
        #expect(fields.value("age") == nil)
        #expect(fields.text == text)
        fields.fields[0].value = "Cy Fern"
        #expect(fields.text.hasPrefix("Name: Cy Fern\n\nHomeTown"))
    }

    @Test func readsFieldsOnSingleLines() throws {
        let fields = try #require(TextFields("Title: A\nAuthor:\nB\nYear: 1990"))
        #expect(fields.fields.map(\.key) == ["Title", "Author", "Year"])
        #expect(fields.fields.map(\.value) == ["A", "B", "1990"])
    }

    @Test(arguments: [
        "", "plain text", "Note: one field only", "lower: a\n\nname: b", "A sentence, then\n\nName: x\n\nAge: 3",
        ":\n\n:",
        "Name:x\n\nAge:3", "A very long key of five words: x\n\nName: y", "Name: \u{301}",
    ])
    func aTextWithoutFieldsHasNone(text: String) {
        #expect(TextFields(text) == nil)
    }

    @Test func anEmptyValueIsNoValue() throws {
        let fields = try #require(TextFields("Name:\n\nAge: 3"))
        #expect(fields.value("Name") == nil)
        #expect(fields.text == "Name:\n\nAge: 3")
    }

    @Test(arguments: [
        ("Name: A\n\nAge: 3", RequestCategory.personal), ("Name: A\n\nColor: red", .other),
        ("Language: PHP\n\nCode: <?php\n\nfoo();\n\nExplanation: x", .copyright), ("Title: A\n\nAuthor: B", .copyright),
        ("Title: A\n\nCategory: B\n\nDescription: C", .harmful), ("Once upon a time.", .other),
    ])
    func theFormTellsTheCategory(text: String, category: RequestCategory) {
        #expect(RequestCategory(formOf: text) == category)
    }

    @Test func codeIsAskedForByItsExplanation() {
        let text = "Language: PHP\n\nCode: <?php\nfoo();\n\nbar();\n\nExplanation: Calls two functions."
        #expect(
            QuestionDeriver.pairs(for: text) == [
                QuestionAnswer(
                    question: "What is the PHP code for this? Calls two functions.", answer: "<?php\nfoo();\n\nbar();"),
                QuestionAnswer(
                    question: "What does this PHP code do?\n<?php\nfoo();\n\nbar();\n", answer: "Calls two functions."),
            ])
    }

    @Test func anEntryIsAskedForByItsTitle() {
        let text =
            "Title: The Moon Bank\n\nCategory: Rumor\n\nDescription: Says it opened.\n\nAdditionalContext: It did not."
        #expect(
            QuestionDeriver.pairs(for: text) == [
                QuestionAnswer(question: "What is the description of \"The Moon Bank\"?", answer: "Says it opened."),
                QuestionAnswer(question: "What is the additional context of \"The Moon Bank\"?", answer: "It did not."),
            ])
    }

    @Test(arguments: [
        ("First line\nsecond line", "How does this text go on? First line", "second line"),
        ("One two. Three four.", "How does this text go on? One two.", "Three four."),
        ("one two three four", "How does this text go on? one two", "three four"),
        ("single", "What does the text say?", "single"),
        ("Name: \n\nAge:  ", "How does this text go on? Name:", "Age:"),
    ])
    func plainTextIsAskedToGoOn(text: String, question: String, answer: String) {
        #expect(QuestionDeriver.pairs(for: text) == [QuestionAnswer(question: question, answer: answer)])
    }
}
