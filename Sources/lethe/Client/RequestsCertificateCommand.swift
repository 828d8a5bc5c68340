import ArgumentParser
import Foundation
import LetheCore
import LetheService

/// `lethe requests certificate`.
struct RequestsCertificateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "certificate", abstract: "Fetch the deletion certificate of an applied request.",
        discussion: "lethe verify checks it.")

    @Argument(help: "The request's id.")
    var id: String

    @OptionGroup var daemon: DaemonOptions

    func run() async throws {
        ClientOutput.line(try await daemon.client().certificate(id))
    }
}
