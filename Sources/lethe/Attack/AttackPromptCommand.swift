import ArgumentParser
import LetheEvaluation

/// `lethe attack prompt`: asks in other ways.
struct AttackPromptCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prompt", abstract: "Ask for the deleted texts in other ways.",
        discussion: """
            Gives the beginning of each text and compares the continuation; asks each question in paraphrased and \
            jailbreak-style prompts, and after kept items of the same form.
            """)

    @OptionGroup var options: AttackOptions
    @OptionGroup var gate: RecoveryGate
    @Option(help: "Shares of a text that are given.")
    var prefixes = "0.1,0.25,0.5,0.75"
    @Option(help: "How many kept items stand before a question.")
    var neighbours = "3"

    private func settings() throws -> AttackSettings {
        var settings = AttackSettings()
        settings.prefixShares = try NumberList.parse(prefixes, "--prefixes")
        settings.neighbours = try NumberList.parse(neighbours, "--neighbours")
        return settings
    }

    func validate() throws { try settings().checkAsUsage() }

    func run() async throws {
        try await AttackRun(options).recover(
            "prompt", settings(), described: ["prefixes": prefixes, "neighbours": neighbours], gate: gate)
    }
}
