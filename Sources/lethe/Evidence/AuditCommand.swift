import ArgumentParser
import Foundation
import LetheCore
import LetheStore

/// `lethe audit`: the log of everything that was changed.
struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Check, export and show the audit log.",
        discussion: "The daemon must not be running on the same data directory.",
        subcommands: [Verify.self, Export.self, Tail.self])

    private static func open(_ dataDir: String?) throws -> LetheDatabase {
        let root = StoreAccess.directory(dataDir)
        guard FileManager.default.fileExists(atPath: root.appendingPathComponent("lethe.sqlite").path) else {
            throw LetheError(.missingInput, "there is no store in the data directory")
        }
        return try LetheDatabase(directory: DataDirectory(root))
    }

    /// `lethe audit verify`.
    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check the log of a store, or an exported one.",
            discussion: """
                Of a store also its certificates are checked, and that requests are in the states that the log tells \
                of. Exits with 1 when anything was changed.
                """)

        @Argument(help: "An exported log; the store's own unless given.")
        var file: String?
        @Option(help: "For an exported log: a file with the key (JSON Web Key or PEM), or its 64 hexadecimal digits.")
        var publicKey: String?
        @Option(help: "The store's folder. Also read from LETHE_DATA_DIR.")
        var dataDir: String?
        @Flag(help: "Write what was found as JSON.")
        var json = false

        func validate() throws {
            guard (file == nil) == (publicKey == nil) else {
                throw ValidationError("an exported log and --public-key go together")
            }
        }

        func run() async throws {
            let report: AuditReport
            if let file, let publicKey {
                let reader = try LineReader(file)
                report = try AuditExport.verify(keys: PublicKeyOption.read(publicKey)) { try reader.next() }
            } else {
                report = try await AuditCommand.open(dataDir).verifyAudit()
            }
            if json { return ClientOutput.document(report.json) }
            ClientOutput.line("valid: \(report.entries) entries, \(report.heads) signatures, hash \(report.lastHash)")
            let unsigned = report.entries - report.signedEntries
            if let signedAt = report.signedAt, let key = report.keyID {
                ClientOutput.line(
                    "signed up to entry \(report.signedEntries) with key \(key), \(Timestamp.string(signedAt))"
                        + (unsigned > 0 ? "; \(unsigned) entries since" : ""))
            } else {
                ClientOutput.line("not signed yet")
            }
            if let certificates = report.certificates { ClientOutput.line("\(certificates) certificates stand") }
        }
    }

    /// `lethe audit export`.
    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write the log as JSON Lines, for whoever has to check it.",
            discussion: "The last line is a signature over all the others.")

        @Option(help: "The file to write; must not exist.")
        var out: String
        @Option(help: "The store's folder. Also read from LETHE_DATA_DIR.")
        var dataDir: String?

        func run() async throws {
            let database = try AuditCommand.open(dataDir)
            guard !FileManager.default.fileExists(atPath: out) else {
                throw LetheError(.usage, "the file of --out is already there")
            }
            guard
                FileManager.default.createFile(
                    atPath: out, contents: nil, attributes: [.posixPermissions: 0o600]),
                let handle = FileHandle(forWritingAtPath: out)
            else { throw LetheError(.ioError, "the file of --out cannot be made") }
            do {
                try await database.exportAudit { try handle.write(contentsOf: $0) }
                try handle.synchronize()
            } catch {
                throw error as? LetheError ?? LetheError(.ioError, "the file of --out cannot be written")
            }
            try database.close()
        }
    }

    /// `lethe audit tail`.
    struct Tail: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show the last entries.")

        @Option(name: .shortAndLong, help: "How many.")
        var count = 20
        @Option(help: "The store's folder. Also read from LETHE_DATA_DIR.")
        var dataDir: String?
        @Flag(help: "Write each entry as JSON on a line.")
        var json = false

        func validate() throws {
            guard (1...1000).contains(count) else { throw ValidationError("--count must be from 1 to 1000") }
        }

        func run() async throws {
            for entry in try await AuditCommand.open(dataDir).auditTail(count) {
                if json {
                    ClientOutput.line(entry)
                    continue
                }
                func text(_ name: String) -> String { entry[name]?.stringValue ?? "-" }
                let states = entry["to"] == nil ? "" : "  \(text("from")) -> \(text("to"))"
                let subject = entry["request_id"]?.stringValue ?? entry["model"]?.stringValue ?? ""
                ClientOutput.line(
                    "\(entry["sequence"]?.intValue ?? 0)  \(text("at"))  \(text("actor"))  \(text("action"))\(states)  "
                        + subject)
            }
        }
    }
}

/// Gives the lines of a file one by one, without their ends.
private final class LineReader {
    private static let limit = 32 << 20
    private let handle: FileHandle
    private var pending = Data()
    private var isAtEnd = false

    init(_ path: String) throws {
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw LetheError(.missingInput, "the exported log cannot be read")
        }
        self.handle = handle
    }

    /// - Throws: `verification_failed` for a line without an end, which no export has.
    func next() throws -> Data? {
        while true {
            if let end = pending.firstIndex(of: 10) {
                let line = Data(pending[pending.startIndex..<end])
                pending = Data(pending[(end + 1)...])
                return line
            }
            guard !isAtEnd else {
                guard pending.isEmpty else { throw LetheError(.verificationFailed, "the last line has no end") }
                return nil
            }
            guard let piece = try? handle.read(upToCount: 1 << 16), !piece.isEmpty else {
                isAtEnd = true
                continue
            }
            pending.append(piece)
            guard pending.count <= Self.limit else { throw LetheError(.verificationFailed, "a line is too long") }
        }
    }
}
