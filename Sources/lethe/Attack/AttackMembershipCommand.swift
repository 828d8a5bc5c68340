import ArgumentParser
import LetheEvaluation

/// `lethe attack membership`: tells deleted from kept texts by how likely they are.
struct AttackMembershipCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "membership", abstract: "Tell deleted from kept texts by how likely the model finds them.",
        discussion: """
            AUC with its 95 % interval for the scores loss, zlib, min_k, min_k_plus_plus and reference, of each model. \
            At 0.5 the deleted texts still look like texts the model was trained on; compare with the retain model.
            """)

    @OptionGroup var options: AttackOptions
    @Option(help: "The model of the score named reference, best one that saw neither set; the original unless given.")
    var reference: String?

    func run() async throws {
        let run = try await AttackRun(options)
        let subject = run.subject
        var other = subject.original
        if let reference { other = try await AttackRun.load(options.model, reference) }
        let models =
            [("unlearned", subject.unlearned), ("original", subject.original)]
            + (subject.retain.map { [("retain", $0)] } ?? [])
        let bar = ProgressBar("membership")
        let results = try models.enumerated().map { index, entry in
            bar.update(index, of: models.count, "\(entry.0) model")
            return ModelMembership(
                model: entry.0,
                scores: try MembershipEvaluation.run(
                    model: entry.1, reference: other, members: subject.kept, nonMembers: subject.deleted,
                    seed: options.seed))
        }
        bar.finish()
        try run.report(
            membership: results, settings: ["reference": reference == nil ? "original" : "given with --reference"])
    }
}
