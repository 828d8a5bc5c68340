import ArgumentParser
import Foundation
import LetheCore

/// `lethe doctor`: what this machine has, and what would fail.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Show what this machine has and what would fail.",
        discussion: """
            Looks at the machine, at the store where no daemon holds it, and at a model where one is named. Lines that \
            begin with ! are broken, with ? worth knowing. Exits with 1 when something is broken.
            """)

    @Option(help: "The store's folder. Also read from LETHE_DATA_DIR.")
    var dataDir: String?
    @Option(help: "A model to read and try: a Hugging Face folder or a .gguf file.")
    var model: String?
    @Flag(help: "Write JSON.")
    var json = false

    func run() async throws {
        var findings = MachineCheck.findings()
        findings += await StoreCheck(root: StoreAccess.directory(dataDir)).findings()
        if let model { findings += ModelCheck.findings(URL(fileURLWithPath: model)) }
        if json {
            var object = JSONObject(findings.map { ($0.name, JSONValue.string($0.value)) })
            func names(_ level: DoctorFinding.Level) -> JSONValue {
                .array(findings.filter { $0.level == level }.map { .string($0.name) })
            }
            object["problems"] = names(.problem)
            object["warnings"] = names(.warning)
            object["advice"] = .object(
                JSONObject(findings.compactMap { finding in finding.advice.map { (finding.name, .string($0)) } }))
            ClientOutput.document(.object(object))
        } else {
            for finding in findings {
                let mark =
                    switch finding.level {
                    case .fine: " "
                    case .warning: "?"
                    case .problem: "!"
                    }
                ClientOutput.line("\(mark) \(finding.name): \(finding.value)")
                if let advice = finding.advice { ClientOutput.line("    \(advice)") }
            }
        }
        if findings.contains(where: { $0.level == .problem }) { throw ExitCode(1) }
    }
}
