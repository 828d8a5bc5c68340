import Foundation
import LetheCore
import LetheEvaluation
import Testing

/// What holds for every attack.
@Suite struct RecoveryAttackTests {
    @Test(arguments: RecoveryAttacks.names)
    func `no model is changed by a bit, and no text is in a result`(name: String) throws {
        let subject = try AttackFixture.subject(AttackFixture.retain())
        let models = [subject.unlearned, subject.original] + (subject.retain.map { [$0] } ?? [])
        let before = try models.map(AttackFixture.numbers)
        let results = try AttackFixture.run(name, subject)
        #expect(try models.map(AttackFixture.numbers) == before)
        #expect(!results.isEmpty)
        #expect(results.allSatisfy { $0.attack == name && $0.method == "m" && $0.seed == 7 })
        let json = String(decoding: try JSONEncoder().encode(results), as: UTF8.self)
        for word in ["Bell", "Elm", "plum", "Stone"] { #expect(!json.contains(word)) }
    }

    @Test(arguments: RecoveryAttacks.names)
    func `where nothing was forgotten there is nothing to recover`(name: String) throws {
        for result in try AttackFixture.run(name, AttackFixture.subject()) where !result.variant.hasPrefix("prefix") {
            #expect(result.before == result.original || name == "probe")
            #expect(result.recovered == nil)
        }
    }

    @Test(arguments: RecoveryAttacks.names)
    func `without a retain model its values are absent`(name: String) throws {
        let results = try AttackFixture.run(name, AttackFixture.subject(AttackFixture.scrambled(), retain: false))
        let json = String(decoding: try JSONEncoder().encode(results), as: UTF8.self)
        #expect(!json.contains("retain"))
        #expect(results.contains { $0.recovered != nil })
    }

    @Test func `unknown names and settings out of range are refused`() throws {
        func code(_ name: String, _ change: (inout AttackSettings) -> Void) -> LetheError.Code? {
            var settings = AttackSettings()
            change(&settings)
            do {
                _ = try RecoveryAttacks.named(name, settings: settings)
                return nil
            } catch let error as LetheError { return error.code } catch { return nil }
        }
        #expect(code("mind-reading") { _ in } == .unsupported)
        #expect(code("relearn") { $0.shares = [0.1, 1] } == .usage)
        #expect(code("relearn") { $0.shares = [.nan] } == .usage)
        #expect(code("relearn") { $0.epochs = [0] } == .usage)
        #expect(code("relearn") { $0.learningRate = .infinity } == .usage)
        #expect(code("prompt") { $0.prefixShares = [0] } == .usage)
        #expect(code("prompt") { $0.neighbours = [1 << 40] } == .usage)
        #expect(code("quantize") { $0.maximumAnswerTokens = 0 } == .usage)
        for name in RecoveryAttacks.names { #expect(try RecoveryAttacks.named(name).name == name) }
    }
}
