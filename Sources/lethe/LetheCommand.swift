import ArgumentParser
import Foundation
import LetheCore
import LetheStore

/// The root command, and the one place where errors become exit codes.
@main
struct LetheCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lethe",
        abstract: "Makes a language model forget on request, continually, and proves it.",
        version: ProductVersion.current,
        groupedSubcommands: [
            CommandGroup(
                name: "Service",
                subcommands: [
                    ServeCommand.self, SubmitCommand.self, RequestsCommand.self, KeysCommand.self, WebhooksCommand.self,
                ]),
            CommandGroup(
                name: "Models",
                subcommands: [
                    ModelCommand.self, TokenizeCommand.self, ScoreCommand.self, GenerateCommand.self, EmbedCommand.self,
                    InspectCommand.self,
                ]),
            CommandGroup(
                name: "Training", subcommands: [FinetuneCommand.self, UnlearnCommand.self]),
            CommandGroup(name: "Evaluation", subcommands: [BenchCommand.self, AttackCommand.self]),
            CommandGroup(name: "Evidence", subcommands: [VerifyCommand.self, AuditCommand.self]),
            CommandGroup(name: "Other", subcommands: [DemoCommand.self, DoctorCommand.self]),
        ])

    static func main() async {
        ProcessSetup.prepare()
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let error as LetheError {
            ClientOutput.note("error: \(error.message)")
            Foundation.exit(exitStatus(error.code))
        } catch {
            exit(withError: error)
        }
    }

    /// The exit status of an error: those of sysexits.h, and 1 for a gate that was not met.
    static func exitStatus(_ code: LetheError.Code) -> Int32 {
        switch code {
        case .gateNotMet, .conflict, .invalidState, .preconditionFailed, .verificationFailed: 1
        case .usage: 64
        case .badData, .unsupported, .limitExceeded: 65
        case .missingInput, .notFound: 66
        case .unavailable: 69
        case .diskFull, .ioError, .syncFailed: 74
        case .forbidden: 77
        case .cancelled: 130
        default: 70
        }
    }
}

/// The version of this build.
enum ProductVersion {
    static let current = "0.1.0"
}
