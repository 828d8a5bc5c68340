import ArgumentParser

/// `lethe attack`: tries to bring back what a model has forgotten.
struct AttackCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attack", abstract: "Try to bring back what a model has forgotten.",
        discussion: """
            Each attack works on copies in memory; no model is changed. A result says how much of the gap between the \
            unlearned and the original model came back, and, where a retain model is given, how much the same attack \
            teaches a model that never saw the texts.
            """,
        subcommands: [
            AttackRelearnCommand.self, AttackQuantizeCommand.self, AttackPromptCommand.self, AttackProbeCommand.self,
            AttackMembershipCommand.self,
        ])
}
