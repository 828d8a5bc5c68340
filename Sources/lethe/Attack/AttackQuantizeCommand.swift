import ArgumentParser
import LetheEvaluation
import LetheModel

/// `lethe attack quantize`: rounds the matrices and measures again.
struct AttackQuantizeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quantize", abstract: "Round the model's matrices and measure again.",
        discussion: """
            Formats: \(WeightFormat.allCases.map(\.rawValue).joined(separator: ", ")). Attention and MLP matrices are \
            rounded; embeddings and output head only with --embeddings.
            """)

    @OptionGroup var options: AttackOptions
    @OptionGroup var gate: RecoveryGate
    @Option(help: "Formats, separated by commas; all unless given.")
    var formats: String?
    @Flag(help: "Round token embeddings and output head too.")
    var embeddings = false

    private func settings() throws -> AttackSettings {
        var settings = AttackSettings()
        settings.quantizesEmbeddings = embeddings
        if let formats {
            settings.formats = try formats.split(separator: ",", omittingEmptySubsequences: false).map { name in
                guard let format = WeightFormat(rawValue: String(name)) else {
                    throw ValidationError(
                        "--formats takes \(WeightFormat.allCases.map(\.rawValue).joined(separator: ", "))")
                }
                return format
            }
        }
        return settings
    }

    func validate() throws { try settings().checkAsUsage() }

    func run() async throws {
        let settings = try settings()
        try await AttackRun(options).recover(
            "quantize", settings,
            described: [
                "formats": settings.formats.map(\.rawValue).joined(separator: ","), "embeddings": "\(embeddings)",
            ], gate: gate)
    }
}
