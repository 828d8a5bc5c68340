import ArgumentParser
import LetheEvaluation

/// `lethe attack probe`: reads the answers off the layers.
struct AttackProbeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe", abstract: "Read the answers off every layer with the logit lens.")

    @OptionGroup var options: AttackOptions
    @OptionGroup var gate: RecoveryGate

    func run() async throws {
        try await AttackRun(options).recover("probe", AttackSettings(), described: [:], gate: gate)
    }
}
