import Foundation
import LetheCore
import LetheStore
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Kills a process of its own at every fail point of the store, and checks what the next start finds.
@Suite struct CrashTests {
    /// What the killed process does: a key that is made and revoked, two requests from submission to purge, one that fails, one that is cancelled and
    /// one rollback, so that it meets every fail point. Each acknowledged step is a line on disk before the next
    /// begins.
    static func work(_ path: String, _ failPoints: String) async throws {
        let points = FailPoints(failPoints)
        let directory = try DataDirectory(URL(fileURLWithPath: path))
        let database = try LetheDatabase(directory: directory, failPoints: points)
        let generations = GenerationStore(directory: directory, failPoints: points)
        let recovery = StoreRecovery(database: database, generations: generations, failPoints: points)
        func acknowledge(_ line: String) throws {
            let descriptor = open("\(path).acknowledged", O_WRONLY | O_CREAT | O_APPEND, 0o600)
            defer { close(descriptor) }
            let bytes = Array("\(line)\n".utf8)
            guard write(descriptor, bytes, bytes.count) == bytes.count else {
                throw LetheError(.ioError, "acknowledge")
            }
        }
        try await recovery.run()
        if try await database.models().isEmpty {
            let staging = try generations.stage(model: "tiny", fence: await database.takeFence(), parent: nil)
            try Data("{}".utf8).write(to: staging.url.appendingPathComponent("config.json"))
            try Data("base".utf8).write(to: staging.url.appendingPathComponent("layer.bin"))
            try await database.registerModel(
                generations.publish(
                    staging, number: 0, requestIDs: [], method: "import", codeVersion: "test", createdAt: Date()))
            try acknowledge("registered")
        }
        let (key, _) = try await database.createKey(
            NewAPIKey(name: "test", scopes: [.metrics], expiresAt: nil), by: .owner)
        try acknowledge("made \(key.id)")
        try await database.revokeKey(key.id)
        try acknowledge("revoked \(key.id)")
        func submit(_ name: String) async throws -> RequestID {
            let request = ErasureRequest(category: .personal, items: [.text(name)])
            let id = try await database.submit(
                request: request, idempotencyKey: name, bodyDigest: Data(name.utf8)
            ).row.id
            try acknowledge("submitted \(name) \(id)")
            return id
        }
        func apply(_ claimed: ClaimedRequest) async throws {
            try await database.progress(claimed.claim, ProgressUpdate(phase: "training", step: 1, total: 1))
            try await database.markVerifying(claimed.claim)
            try await database.strengthen(claimed.claim, detail: .object(JSONObject()))
            try await database.markVerifying(claimed.claim)
            let staging = try generations.stage(
                model: claimed.model, fence: claimed.claim.fence, parent: claimed.head)
            for file in staging.parentManifest?.files ?? [] where file.name != "layer.bin" {
                try staging.takeFromParent(file.name)
            }
            try Data(claimed.claim.id.rawValue.utf8).write(to: staging.url.appendingPathComponent("layer.bin"))
            let published = try generations.publish(
                staging, number: claimed.nextGeneration, requestIDs: [claimed.claim.id], method: "fit",
                codeVersion: "test", createdAt: Date())
            try await database.complete([Completion(claim: claimed.claim, record: .null)], generation: published)
            try acknowledge("applied \(claimed.claim.id)")
        }
        func claim() async throws -> ClaimedRequest? { try await database.claimNext() }

        for name in ["one", "two"] {
            _ = try await submit(name)
            while let claimed = try await claim() { try await apply(claimed) }
        }
        let three = try await submit("three")
        if let claimed = try await claim() { try await database.release(claimed.claim) }
        if let claimed = try await claim() {
            try await database.fail(claimed.claim, code: "gate_not_met", message: "test")
        }
        if try await database.request(three).state == .failed { _ = try await database.retry(three) }
        while let claimed = try await claim() { try await apply(claimed) }
        let four = try await submit("four")
        if try await database.request(four).state == .queued { _ = try await database.cancel(four) }
        try await database.destroyPayload(four)
        let head = try await database.head("tiny")
        if head.number >= 2, let parent = head.parent {
            try await database.rollback("tiny", to: parent)
            try acknowledge("rolled back \(head.number)")
        }
        for candidate in try await database.purgeCandidates("tiny", supersededBefore: .distantFuture) {
            _ = try await recovery.purge("tiny", number: candidate.number)
        }
        try acknowledge("done")
        try database.close()
    }

    /// The invariants of a recovered store.
    private func check(_ path: String) async throws {
        let directory = try DataDirectory(URL(fileURLWithPath: path))
        let database = try LetheDatabase(directory: directory, failPoints: FailPoints())
        let generations = GenerationStore(directory: directory, failPoints: FailPoints())
        let recovery = StoreRecovery(database: database, generations: generations, failPoints: FailPoints())
        let report = try await recovery.run()
        let text = (try? String(contentsOfFile: "\(path).acknowledged", encoding: .utf8)) ?? ""
        if report.heads.isEmpty {
            // Killed before the model was registered: nothing may be left of it.
            #expect(text.isEmpty)
            #expect(try generations.modelFolders().allSatisfy { try generations.collect($0, keeping: []).isEmpty })
            return
        }
        #expect(report.heads == ["tiny": .intact])
        let again = try await recovery.run()
        #expect(again.temporaries == 0 && again.unreferenced.isEmpty && again.purges == 0 && again.rescued.isEmpty)
        try await database.check(full: true)

        let rows = try await database.list(limit: 200).rows
        let all = try await database.generations("tiny")
        var names: [String: String] = [:]
        let rolledBack = text.contains("rolled back")
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            if words[0] == "submitted" {
                // Acknowledged means there, and the same key means the same request.
                #expect(rows.contains { $0.id.rawValue == words[2] }, "\(line)")
                #expect(names[words[1]] == nil || names[words[1]] == words[2], "\(line)")
                names[words[1]] = words[2]
            }
            if words[0] == "made" { #expect(database.keys().contains { $0.id == words[1] }, "\(line)") }
            if words[0] == "revoked" {
                #expect(database.keys().contains { $0.id == words[1] && $0.revokedAt != nil }, "\(line)")
            }
            if words[0] == "applied", !rolledBack {
                let row = try #require(rows.first { $0.id.rawValue == words[1] })
                let wasTakenBack = row.state == .failed && row.errorCode == "rolled_back"
                #expect([.applied, .purged].contains(row.state) || wasTakenBack, "\(line)")
            }
        }
        #expect(rows.count <= 4)
        // The lineage of the head holds exactly the requests that are in effect, each once.
        var lineage: [GenerationRow] = []
        var next: Int? = all.first(where: \.isHead)?.number
        while let number = next, let generation = all.first(where: { $0.number == number }) {
            lineage.append(generation)
            next = generation.parent
        }
        let inEffect = rows.filter { [.applied, .purged].contains($0.state) }.map(\.id)
        #expect(lineage.flatMap(\.requestIDs).sorted() == inEffect.sorted())
        for generation in all where generation.state == .kept {
            let manifest = try generations.verify("tiny", generation, depth: .contents)
            if generation.number > 0 {
                let content = try Data(
                    contentsOf: generations.url("tiny", generation).appendingPathComponent("layer.bin"))
                #expect(String(decoding: content, as: UTF8.self) == manifest.requestIDs.first?.rawValue)
            }
        }
        let folders = try FileManager.default.contentsOfDirectory(
            atPath: generations.url("tiny", folder: ".").path)
        #expect(Set(folders) == Set(all.filter { $0.state != .purged }.map(\.folder)))
        // So does the audit log, and each application has its certificate.
        let audit = try await database.verifyAudit()
        #expect(audit.signedEntries == audit.entries)
        for row in rows where [.applied, .purged].contains(row.state) {
            let envelope = try SignedEnvelope(Data(try await database.certificate(row.id).utf8))
            let certificate = try Certificate(envelope)
            #expect(certificate.requestID == row.id)
            let holding = certificate.predicate["generations_holding_content"]?.arrayValue
            #expect(holding?.isEmpty == (row.state == .purged))
        }
        // Events and rows tell the same.
        for row in rows {
            let events = try await database.events(row.id, limit: 1000)
            var state: RequestState?
            for event in events {
                if let from = event.from { #expect(from == state) }
                if let to = event.to { state = to }
            }
            #expect(state == row.state)
        }
        try database.close()
    }

    static let points = FailPoint.all.map(\.rawValue).filter { !$0.hasPrefix("update.") }

    @Test(.timeLimit(.minutes(5)), arguments: points)
    func `a kill at any point loses nothing and does nothing twice`(point: String) async throws {
        for arrival in 1...2 {
            let path = FileManager.default.temporaryDirectory
                .appendingPathComponent("lethe-crash-\(UUID().uuidString)").path
            defer {
                try? FileManager.default.removeItem(atPath: path)
                try? FileManager.default.removeItem(atPath: "\(path).acknowledged")
            }
            let failPoints = "\(point):kill:\(arrival)"
            let result = await #expect(processExitsWith: .failure, "\(failPoints)") {
                [path = path as String, failPoints = failPoints as String] in
                try await Self.work(path, failPoints)
                exit(99)
            }
            // Some points are met once only; then the work simply ends.
            if arrival == 1 { #expect(result?.exitStatus == .signal(SIGKILL), "\(failPoints)") }
            try await check(path)
        }
    }
}
