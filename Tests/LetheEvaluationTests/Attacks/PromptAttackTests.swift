import LetheEvaluation
import LetheModel
import Testing

@Suite struct PromptAttackTests {
    @Test func `the original model recites everything, the retain model does not`() throws {
        let known = try AttackFixture.run("prompt", AttackFixture.subject())
        for result in known where result.variant.hasPrefix("prefix") {
            #expect(result.after == result.original)
            #expect(result.after > 0.8)
            #expect(result.recovered == 1)
            #expect((result.retainRecovered ?? 1) < 0.7)
        }
        let prefixes = known.filter { $0.variant.hasPrefix("prefix") }
        #expect(prefixes.map(\.variant) == ["25", "25", "50", "50"].map { "prefix of \($0) %" })
        #expect(
            prefixes.map(\.measure) == ["rouge_l", "exact_memorisation", "rouge_l", "exact_memorisation"])
        let unknown = try AttackFixture.run("prompt", AttackFixture.subject(AttackFixture.retain()))
        for result in unknown {
            #expect(result.after == result.retainAfter)
            #expect(result.recovered == result.retainRecovered)
        }
    }

    @Test func `the plain question as a template changes nothing`() throws {
        var settings = AttackFixture.settings
        settings.prefixShares = []
        settings.neighbours = []
        settings.templates = [PromptTemplate(name: "plain", text: "{question}")]
        let results = try AttackFixture.run("prompt", AttackFixture.subject(AttackFixture.retain()), settings)
        #expect(Set(results.map(\.variant)) == ["template: plain", "best of 2 prompts"])
        for result in results {
            #expect(result.after == result.before)
            #expect(result.recovered == 0)
        }
    }

    @Test func `the best of all is no worse than any, for the retain model too`() throws {
        let results = try AttackFixture.run("prompt", AttackFixture.subject(AttackFixture.scrambled(scale: 0.5)))
        for measure in ["answer_probability", "rouge_l"] {
            let own = results.filter { $0.measure == measure && !$0.variant.hasPrefix("prefix") }
            let best = try #require(own.last)
            #expect(best.variant == "best of 8 prompts")
            for result in own {
                #expect(best.after >= result.after && best.after >= result.before)
                #expect((best.retainAfter ?? 0) >= (result.retainAfter ?? 1))
            }
        }
    }

    @Test func `a prompt that does not fit stays the plain question`() throws {
        var settings = AttackFixture.settings
        settings.prefixShares = []
        settings.neighbours = []
        settings.templates = [PromptTemplate(name: "long", text: String(repeating: "z ", count: 300) + "{question}")]
        let results = try AttackFixture.run("prompt", AttackFixture.subject(AttackFixture.retain()), settings)
        for result in results { #expect(result.after == result.before) }
    }

    @Test(arguments: [
        ("What is the address of Ada Bell?", "The address of Ada Bell is"), ("How old is Bo?", "The age of Bo is"),
        ("Where does Cy live?", "The address of Cy is"), ("Who is Di?", "Di is"), ("Sing.", "Sing."),
        ("What is ?", "What is ?"),
        ("Why?", "Why?"), ("", ""),
    ])
    func `a question becomes the beginning of a statement`(question: String, statement: String) {
        #expect(PromptTemplate(name: "s", text: "{statement}").prompt(for: question) == statement)
    }

    @Test func `braces in a question are text`() {
        let template = PromptTemplate(name: "t", text: "Q: {question}")
        #expect(template.prompt(for: "What is {statement} in {question}?") == "Q: What is {statement} in {question}?")
    }
}
