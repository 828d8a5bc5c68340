import ArgumentParser
import Foundation
import LetheCore
import LetheStore
import LetheTensor

/// `lethe doctor`: what this machine has, and what would fail.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Show what this machine has and what would fail.")

    @Option(help: "The store's folder. Also read from LETHE_DATA_DIR.")
    var dataDir: String?
    @Flag(help: "Write JSON.")
    var json = false

    private struct Finding {
        var name: String
        var value: String
        var isProblem = false
    }

    func run() async throws {
        var findings = [
            Finding(name: "version", value: ProductVersion.current),
            Finding(name: "processors", value: "\(ProcessInfo.processInfo.activeProcessorCount)"),
            Finding(name: "memory_bytes", value: "\(ProcessInfo.processInfo.physicalMemory)"),
            Finding(name: "onednn", value: Engine.libraryVersion),
            Finding(name: "instruction_set", value: Engine.instructionSet),
            Finding(name: "bfloat16", value: Engine.hasBFloat16 ? "yes" : "no"),
            Finding(name: "threads", value: "\(Engine.threadCount)"),
            Finding(name: "sqlite", value: LetheDatabase.sqliteVersion),
        ]
        findings.append(contentsOf: try await store())
        if json {
            let fields = findings.map { ($0.name, JSONValue.string($0.value)) }
            var object = JSONObject(fields)
            object["problems"] = .array(findings.filter(\.isProblem).map { .string($0.name) })
            ClientOutput.document(.object(object))
        } else {
            for finding in findings {
                ClientOutput.line("\(finding.isProblem ? "!" : " ") \(finding.name): \(finding.value)")
            }
        }
        if findings.contains(where: \.isProblem) { throw ExitCode(1) }
    }

    private func store() async throws -> [Finding] {
        let root = StoreAccess.directory(dataDir)
        guard FileManager.default.fileExists(atPath: root.appendingPathComponent("lethe.sqlite").path) else {
            return [Finding(name: "store", value: "none yet")]
        }
        let directory: DataDirectory
        do {
            directory = try DataDirectory(root)
        } catch let error as LetheError where error.code == .conflict {
            return [Finding(name: "store", value: "held by a running daemon; stop it for a full check")]
        }
        do {
            let database = try LetheDatabase(directory: directory)
            try await database.check(full: true)
            let generations = GenerationStore(directory: directory)
            var findings = [Finding(name: "disk_free_bytes", value: "\(try directory.availableBytes())")]
            for entry in try await database.signingKeys() where entry.isCurrent {
                findings.append(Finding(name: "signing_key", value: entry.key.keyID))
                findings.append(Finding(name: "signing_public_key", value: entry.key.hexadecimal))
            }
            for model in try await database.models() {
                do {
                    try generations.verify(model.name, model.head, depth: .contents)
                    findings.append(Finding(name: "model \(model.name)", value: "head \(model.head.number) intact"))
                } catch let error as LetheError {
                    findings.append(Finding(name: "model \(model.name)", value: error.message, isProblem: true))
                }
            }
            return findings
        } catch let error as LetheError {
            return [Finding(name: "store", value: error.message, isProblem: true)]
        }
    }
}
