import ArgumentParser
import LetheEvaluation

/// `lethe attack relearn`: teaches a part again and measures the rest.
struct AttackRelearnCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "relearn", abstract: "Teach a part of the deleted texts again and measure the rest.",
        discussion: "Trains a copy on a seeded part of the deleted texts, and another on unrelated invented texts.")

    @OptionGroup var options: AttackOptions
    @OptionGroup var gate: RecoveryGate
    @Option(help: "Shares of the deleted texts to teach, each in a run of its own.")
    var shares = "0.1,0.2,0.5"
    @Option(help: "Passes over them, each number in a run of its own.")
    var epochs = "3"
    @Option(help: "Peak learning rate, over every parameter.")
    var learningRate = 1e-4
    @Option(help: "Invented texts of the run on unrelated text; 0 leaves it out.")
    var unrelated = 30

    private func settings() throws -> AttackSettings {
        var settings = AttackSettings()
        settings.shares = try NumberList.parse(shares, "--shares")
        settings.epochs = try NumberList.parse(epochs, "--epochs")
        settings.learningRate = learningRate
        settings.unrelatedTexts = unrelated
        return settings
    }

    func validate() throws { try settings().checkAsUsage() }

    func run() async throws {
        try await AttackRun(options).recover(
            "relearn", settings(),
            described: [
                "shares": shares, "epochs": epochs, "learning_rate": "\(learningRate)",
                "unrelated_texts": "\(unrelated)",
            ], gate: gate)
    }
}
