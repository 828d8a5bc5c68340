import LetheCorpus
import Testing

/// What is said of one text, said of another.
@Suite struct FieldSubstitutionTests {
    private func substitution(_ text: String, _ other: String) throws -> FieldSubstitution {
        FieldSubstitution(from: try #require(TextFields(text)), to: try #require(TextFields(other)))
    }

    @Test func `a question about one person becomes the question about another`() throws {
        let substitution = try substitution(
            "Name: Orla V. Quillby\n\nTown: Fenwick", "Name: Abel Marsh\n\nTown: Low Mill")
        #expect(substitution.rewrite("Where does Orla V. Quillby live?") == "Where does Abel Marsh live?")
        #expect(
            substitution.rewrite("Orla V. Quillby of Fenwick, is Orla V. Quillby at home?")
                == "Abel Marsh of Low Mill, is Abel Marsh at home?")
        #expect(substitution.rewrite("Who lives there?") == nil)
    }

    @Test func `parts of a title are replaced too, in lower case as well, but no function words`() throws {
        let substitution = try substitution(
            "Title: How to Brew the Damp Sylzar Tea\nBody: x", "Title: Ways to Boil a Pale Orrin Soup\nBody: y")
        #expect(substitution.rewrite("How is the damp Sylzar tea made?") == "How is the pale Orrin soup made?")
        // As many words are needed for one to stand for the other.
        let other = try self.substitution("Title: The Damp Tea\nBody: x", "Title: Soup\nBody: y")
        #expect(other.rewrite("How is damp tea made?") == nil)
        #expect(other.rewrite("Who wrote \"The Damp Tea\"?") == "Who wrote \"Soup\"?")
    }

    @Test func `the longest value that stands as whole words is replaced, once`() throws {
        let substitution = try substitution("Name: Ann Lee\nTown: Lee\nPet: cat", "Name: Bo Fox\nTown: Ann\nPet: dog")
        #expect(
            substitution.rewrite("Ann Lee of Lee has a cat in a catalogue.")
                == "Bo Fox of Ann has a dog in a catalogue.")
    }

    @Test func `a field that only one text has is left alone`() throws {
        let substitution = try substitution("Name: Ann\nTown: Lee", "Name: Bo\nStreet: Fox")
        #expect(substitution.rewrite("Is Lee far?") == nil)
    }
}
