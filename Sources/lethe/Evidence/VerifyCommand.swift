import ArgumentParser
import Foundation
import LetheCore
import LetheStore

/// `lethe verify`: checks a deletion certificate offline.
struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check a deletion certificate without a daemon or a store.",
        discussion: """
            Exits with 0 when the certificate stands, with 1 when it or the model was changed. Get the public key from \
            somewhere you trust, not from whoever gave you the certificate: `lethe doctor` and GET /v1/signing-keys \
            show it.
            """)

    @Argument(help: "The certificate, as GET /v1/requests/{id}/certificate gives it.")
    var certificate: String
    @Option(help: "A file with the key (JSON Web Key or PEM), or its 64 hexadecimal digits.")
    var publicKey: String
    @Option(help: "A generation's folder, whose every file is compared.")
    var model: String?
    @Flag(help: "Write what was found as JSON.")
    var json = false

    func run() async throws {
        let keys = try PublicKeyOption.read(publicKey)
        let data = try InputFile.read(certificate, limit: 32 << 20, named: "certificate")
        let checked = try Certificate(data, keys: keys)
        if let model {
            guard FileManager.default.fileExists(atPath: model) else {
                throw LetheError(.missingInput, "there is no folder at the path of --model")
            }
            let bar = ProgressBar("comparing files")
            var done = 0
            try checked.verify(folder: URL(fileURLWithPath: model, isDirectory: true)) { _ in
                bar.update(done, of: checked.subjects.count)
                done += 1
            }
            bar.finish()
        }
        if json {
            var found = JSONObject()
            found["valid"] = true
            found["key_id"] = .string(checked.envelope.keyID)
            found["request_id"] = .string(checked.requestID.rawValue)
            found["files"] = .integer(Int64(checked.subjects.count))
            found["model_checked"] = .bool(model != nil)
            found["statement"] = checked.statement
            ClientOutput.document(.object(found))
        } else {
            for line in text(checked) { ClientOutput.line(line) }
        }
    }

    private func text(_ certificate: Certificate) -> [String] {
        let predicate = certificate.predicate
        let update = predicate["update"]
        func words(_ value: JSONValue?) -> String { value?.stringValue ?? "-" }
        func number(_ value: JSONValue?) -> String {
            value?.doubleValue.map { String(format: "%.3f", $0) } ?? "-"
        }
        func level(_ name: String) -> String { number(update?[name]?["nll"]) }
        let holding = (predicate["generations_holding_content"]?.arrayValue ?? []).compactMap { $0["number"]?.intValue }
        let compared = model == nil ? "not compared (--model)" : "every one as certified"
        let generation = predicate["generation"]?["number"]?.intValue ?? 0
        var lines: [String] = []
        lines.append("valid: signed with key \(certificate.envelope.keyID)")
        let issued = "\(words(predicate["occasion"])), \(words(predicate["issued_at"]))"
        lines.append("request \(certificate.requestID.rawValue): \(issued)")
        let files = "\(certificate.subjects.count) files, \(compared)"
        lines.append("model \(words(predicate["model"])), generation \(generation), \(files)")
        lines.append("mean NLL of the items: \(level("before")) before, \(level("after")) after")
        lines.append("mean NLL of keep texts: \(level("keep_before")) before, \(level("keep_after")) after")
        for attempt in update?["gate"]?["recovery"]?.arrayValue ?? [] {
            lines.append(
                "recovery check \(words(attempt["attack"])): brought back \(number(attempt["recovered_share"]))")
        }
        if holding.isEmpty {
            lines.append("no generation that held the content was kept when it was issued")
        } else {
            let list = holding.map(String.init).joined(separator: ", ")
            lines.append("generations that still held the content when it was issued: \(list)")
        }
        lines.append("not claimed:")
        for text in predicate["not_claimed"]?.arrayValue ?? [] { lines.append("  - \(words(text))") }
        return lines
    }
}
