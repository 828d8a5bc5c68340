import Foundation
import LetheCore
import LetheProcessSupport
import Testing

/// What has to hold of a store after the power has failed.
struct PowerLossCheck {
    let lethe: LetheBinary
    let store: URL
    let promises: [DiskRecording.Promise.Kind]

    /// Whether the import was acknowledged.
    var isImported: Bool {
        promises.contains { if case .imported = $0 { true } else { false } }
    }

    /// Starts the real daemon on it, lets it carry out what waits, and checks over HTTP and with the commands.
    func run() async throws {
        if !isImported {
            // Done or not done, but never in between: a repetition succeeds or says that the name is taken.
            let again = try await lethe.run([
                "model", "import", Fixtures.model.path, "--name", "tiny", "--data-dir", store.path,
            ])
            if again.end != .exited(0) { #expect(again.errorText.contains("registered already"), "\(again.errorText)") }
        }
        let daemon = try await DaemonProcess.start(
            lethe, dataDirectory: store, arguments: ["--log-level", "notice"])
        for promise in promises {
            switch promise {
            case .imported: break
            case .accepted(let key, let body, let id):
                let answer = try await daemon.submit(body, key: key)
                #expect(answer.status == 202)
                #expect(try answer.json["id"] == .string(id), "\(key) is lost, or accepted twice")
            case .reached(let id, let state):
                let found = try await daemon.get("/v1/requests/\(id)")["state"]?.stringValue ?? ""
                let later = state == "applied" ? ["applied", "purged", "failed"] : [state]
                #expect(later.contains(found), "\(id) was \(state), and is \(found)")
            }
        }
        var requests: [String: JSONValue] = [:]
        for id in try await daemon.requestIDs() { requests[id] = try await daemon.waitForEnd(of: id) }
        let accepted = promises.filter { if case .accepted = $0 { true } else { false } }.count
        // One submission may have been under way.
        #expect((accepted...accepted + 1).contains(requests.count))
        for (id, request) in requests {
            let state = request["state"]?.stringValue ?? ""
            let code = request["error"]?["code"]?.stringValue
            #expect(
                ["applied", "cancelled", "purged"].contains(state) || (state == "failed" && code == "rolled_back"),
                "\(id) is \(state): \(code ?? "no code"), \(request["error"]?["message"]?.stringValue ?? "")")
        }
        try await checkLineage(daemon, requests)
        let finished = try await daemon.stop()
        #expect(finished.end == .exited(0), "\(finished.errorText.suffix(2000))")
        let audit = try await lethe.run(["audit", "verify", "--data-dir", store.path])
        #expect(audit.end == .exited(0), "\(audit.errorText)")
        let doctor = try await lethe.run(["doctor", "--data-dir", store.path])
        #expect(doctor.end == .exited(0), "\(doctor.outputText)")
        #expect(doctor.outputText.contains("intact"), "\(doctor.outputText)")
    }

    /// The lineage of the head holds exactly the requests that are in effect, each once.
    private func checkLineage(_ daemon: DaemonProcess, _ requests: [String: JSONValue]) async throws {
        let generations = try await daemon.get("/v1/models/tiny/generations")["data"]?.arrayValue ?? []
        var next = generations.first { $0["is_head"] == .bool(true) }
        try #require(next != nil, "there is no head")
        var applied: [String] = []
        while let generation = next {
            applied += (generation["request_ids"]?.arrayValue ?? []).compactMap(\.stringValue)
            next = generations.first { $0["number"] == generation["parent"] }
        }
        let inEffect = requests.filter {
            ["applied", "purged"].contains($0.value["state"]?.stringValue ?? "") && $0.value["changed"] == .bool(true)
        }
        #expect(applied.sorted() == inEffect.keys.sorted())
    }
}
