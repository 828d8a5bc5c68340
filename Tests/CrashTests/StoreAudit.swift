import Foundation
import LetheCore
import LetheProcessSupport
import Testing

/// What has to hold of a store once all of its requests have ended.
struct StoreAudit {
    let bench: CrashBench
    /// Requests that have to be applied.
    let submissions: [Submission]

    /// Waits for the requests, checks them over HTTP, stops the daemon, and checks the files.
    /// - Returns: the generations, oldest first.
    @discardableResult
    func run(_ daemon: DaemonProcess) async throws -> [JSONValue] {
        var requests: [String: JSONValue] = [:]
        for submission in submissions {
            let id = try #require(submission.id, "\(submission.key) was never acknowledged")
            requests[id] = try await daemon.waitForEnd(of: id)
        }
        #expect(requests.count == submissions.count)
        let all = try await daemon.requestIDs()
        #expect(Set(all) == Set(requests.keys) && all.count == submissions.count)
        for (id, request) in requests { try await checkApplied(id, request, daemon) }
        for submission in submissions {
            var again = submission
            #expect(try await again.send(to: daemon))
        }
        #expect(try await daemon.requestIDs().count == submissions.count)
        let generations = try await daemon.get("/v1/models/tiny/generations")["data"]?.arrayValue ?? []
        try checkLineage(generations, requests)
        let certificates = try await certificates(daemon, requests)
        let finished = try await daemon.stop()
        #expect(finished.end == .exited(0), "\(finished.errorText.suffix(2000))")
        try await checkFiles(generations)
        try await checkEvidence(certificates, generations)
        try await checkCommands(generations)
        return generations
    }

    private func checkApplied(_ id: String, _ request: JSONValue, _ daemon: DaemonProcess) async throws {
        #expect(request["state"] == .string("applied"), "\(id): \(request["error"]?.serializedString() ?? "-")")
        var events: [JSONValue] = []
        while true {
            let last = events.last?["sequence"]?.intValue ?? 0
            let page = try await daemon.get("/v1/requests/\(id)/events?after=\(last)")
            events += page["data"]?.arrayValue ?? []
            if page["has_more"]?.boolValue != true { break }
        }
        #expect(events.filter { $0["to"] == .string("applied") }.count == 1, "\(id) is not applied exactly once")
        #expect(events.last?["to"] == .string("applied"))
        func count(_ kind: String) -> Int { events.filter { $0["kind"] == .string(kind) }.count }
        #expect(count("submitted") == 1)
        #expect(request["attempt"]?.intValue == count("claim"))
        #expect(count("claim") == 1 + count("rescue") + count("release") + count("defer_retry"))
    }

    /// One generation for each request that changed the model, each made from the one before.
    private func checkLineage(_ generations: [JSONValue], _ requests: [String: JSONValue]) throws {
        try #require(!generations.isEmpty)
        let changed = requests.filter { $0.value["changed"] == .bool(true) }
        #expect(generations.count == 1 + changed.count)
        var seen: Set<String> = []
        for (index, generation) in generations.enumerated() {
            #expect(generation["is_head"]?.boolValue == (index == generations.count - 1))
            #expect(generation["state"] == .string("kept"))
            let ids = (generation["request_ids"]?.arrayValue ?? []).compactMap(\.stringValue)
            if index == 0 {
                #expect(ids.isEmpty && generation["parent"] == .null)
            } else {
                #expect(ids.count == 1)
                #expect(generation["parent"] == generations[index - 1]["number"])
            }
            for id in ids {
                #expect(seen.insert(id).inserted, "\(id) has two generations")
                #expect(requests[id]?["generation"] == generation["number"])
            }
        }
        #expect(seen == Set(changed.keys))
    }

    /// The certificate of every request, by request.
    private func certificates(_ daemon: DaemonProcess, _ requests: [String: JSONValue]) async throws
        -> [String: Data]
    {
        var found: [String: Data] = [:]
        for id in requests.keys {
            let answer = try await daemon.call("GET", "/v1/requests/\(id)/certificate")
            #expect(answer.status == 200, "\(id) has no certificate")
            found[id] = answer.body
        }
        return found
    }

    /// The audit log stands, with one certificate for each application, and the last request's certificate fits the
    /// files of the head.
    private func checkEvidence(_ certificates: [String: Data], _ generations: [JSONValue]) async throws {
        let audit = try await bench.lethe.run(["audit", "verify", "--data-dir", bench.store.path, "--json"])
        #expect(audit.end == .exited(0), "\(audit.errorText)")
        let report = try audit.json
        #expect(report["certificates"]?.intValue == certificates.count)
        #expect(report["requests"]?.intValue == certificates.count)
        #expect(report["signed_entries"] == report["entries"])
        guard let head = generations.last, let id = head["request_ids"]?.arrayValue?.first?.stringValue,
            let certificate = certificates[id], let number = head["number"]?.intValue,
            let digest = head["manifest_sha256"]?.stringValue
        else { return }
        let doctor = try await bench.lethe.run(["doctor", "--data-dir", bench.store.path, "--json"])
        let key = try #require(try doctor.json["signing_public_key"]?.stringValue)
        let file = try bench.scratch.write("certificate.json", certificate)
        let folder = bench.store.appendingPathComponent("models/tiny/generations/\(number)-\(digest.prefix(12))")
        let verified = try await bench.lethe.run(
            ["verify", file.path, "--public-key", key, "--model", folder.path, "--json"])
        #expect(verified.end == .exited(0), "\(verified.errorText)")
        #expect(try verified.json["request_id"] == .string(id))
    }

    /// The files of every generation are those of its manifest, and nothing else is there.
    private func checkFiles(_ generations: [JSONValue]) async throws {
        let model = bench.store.appendingPathComponent("models/tiny")
        #expect(try Scratch.contents(model.appendingPathComponent("tmp")).isEmpty)
        let parent = model.appendingPathComponent("generations")
        var expected: [String: String] = [:]
        var folders: Set<String> = []
        for generation in generations {
            let number = try #require(generation["number"]?.intValue)
            let digest = try #require(generation["manifest_sha256"]?.stringValue)
            let folder = parent.appendingPathComponent("\(number)-\(digest.prefix(12))")
            folders.insert(folder.lastPathComponent)
            let file = folder.appendingPathComponent("manifest.json")
            expected[file.path] = digest
            let manifest = try JSONParser.parse(Data(contentsOf: file), context: "manifest.json")
            #expect(manifest["number"]?.intValue == number)
            #expect(manifest["request_ids"] == generation["request_ids"])
            var names: [String] = ["manifest.json"]
            for entry in try #require(manifest["files"]?.arrayValue) {
                let name = try #require(entry["name"]?.stringValue)
                names.append(name)
                let path = folder.appendingPathComponent(name).path
                expected[path] = try #require(entry["sha256"]?.stringValue)
                let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
                #expect(size == entry["size"]?.intValue, "\(path)")
            }
            #expect(try Scratch.contents(folder) == names.sorted())
        }
        #expect(Set(try FileManager.default.contentsOfDirectory(atPath: parent.path)) == folders)
        #expect(try await Self.digests(Array(expected.keys)) == expected)
    }

    /// The store is sound in the eyes of the commands, and the head loads.
    private func checkCommands(_ generations: [JSONValue]) async throws {
        let head = try #require(generations.last?["number"]?.intValue)
        let doctor = try await bench.lethe.run(["doctor", "--data-dir", bench.store.path, "--json"])
        #expect(doctor.end == .exited(0))
        #expect(try doctor.json["model tiny"] == .string("head \(head) intact"))
        let scored = try await bench.lethe.run(
            ["score", "--model", "tiny", "--data-dir", bench.store.path, "--jsonl"],
            input: Data("{\"text\":\"Ada lives at 12 Elm Row.\"}\n".utf8))
        #expect(scored.end == .exited(0), "\(scored.errorText)")
        let nll = try scored.jsonLines.first?["mean_nll"]?.doubleValue
        #expect(nll?.isFinite == true)
    }

    /// SHA-256 of files, by path, computed by another program.
    static func digests(_ paths: [String]) async throws -> [String: String] {
        var digests: [String: String] = [:]
        for start in stride(from: 0, to: paths.count, by: 500) {
            let part = Array(paths[start..<min(start + 500, paths.count)])
            let finished = try await Blocking.run {
                try ChildProcess("/usr/bin/sha256sum", part).finish(timeout: .seconds(120))
            }
            for line in finished.outputText.split(separator: "\n") {
                digests[String(line.dropFirst(66))] = String(line.prefix(64))
            }
        }
        return digests
    }

    /// SHA-256 of the head's weights, by file name.
    func headWeights(_ generations: [JSONValue]) async throws -> [String: String] {
        let head = try #require(generations.last)
        let number = try #require(head["number"]?.intValue)
        let digest = try #require(head["manifest_sha256"]?.stringValue)
        let folder = bench.store.appendingPathComponent("models/tiny/generations/\(number)-\(digest.prefix(12))")
        let names = try Scratch.contents(folder).filter { $0.hasSuffix(".safetensors") }
        let digests = try await Self.digests(names.map { folder.appendingPathComponent($0).path })
        return Dictionary(
            uniqueKeysWithValues: digests.map { (URL(fileURLWithPath: $0.key).lastPathComponent, $0.value) })
    }
}
