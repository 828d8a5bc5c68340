import Foundation
import LetheCore
import LetheStore
import Testing

/// What a start finds after whatever ended the run before.
@Suite struct RecoveryTests {
    private func recovery(_ store: StoreFixture) -> StoreRecovery {
        StoreRecovery(database: store.database, generations: store.generations, failPoints: FailPoints())
    }

    private func folders(_ store: StoreFixture, _ part: String) -> [String] {
        let path = store.root.appendingPathComponent("models/tiny/\(part)").path
        return ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }

    @Test func `nothing is done where nothing is wrong`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        try await store.submit()
        try await store.applyNext()
        try store.reopen()
        let report = try await recovery(store).run()
        #expect(report.temporaries == 0)
        #expect(report.unreferenced.isEmpty)
        #expect(report.purges == 0)
        #expect(report.rescued.isEmpty)
        #expect(report.heads == ["tiny": .intact])
    }

    @Test func `stagings and generations that nothing refers to go`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        try await store.submit()
        try await store.applyNext()
        try await store.submit()
        let claimed = try await store.claim()
        try await store.database.markVerifying(claimed.claim)
        // Published and never committed, half staged, and an import that was never registered.
        let published = try store.publish(claimed)
        let staging = try store.generations.stage(model: "tiny", fence: 77, parent: claimed.head)
        try staging.takeFromParent("config.json")
        let orphan = try store.generations.stage(model: "orphan", fence: 78, parent: nil)
        try Data([1]).write(to: orphan.url.appendingPathComponent("config.json"))
        _ = try store.generations.publish(
            orphan, number: 0, requestIDs: [], method: "import", codeVersion: "test", createdAt: store.clock.now())
        // What is not ours by its name stays.
        let note = store.root.appendingPathComponent("models/tiny/generations/README")
        try Data("mine".utf8).write(to: note)

        try store.reopen()
        let report = try await recovery(store).run()
        #expect(report.temporaries == 1)
        #expect(report.unreferenced["tiny"] == [published.folder])
        #expect(report.unreferenced["orphan"]?.count == 1)
        #expect(report.rescued == [claimed.claim.id])
        #expect(report.heads == ["tiny": .intact])
        #expect(folders(store, "tmp").isEmpty)
        let kept = try await store.database.generations("tiny").map(\.folder)
        #expect(folders(store, "generations") == (kept + ["README"]).sorted())
        // The work is done again and ends applied exactly once.
        let (again, generation) = try await store.applyNext()
        #expect(again.claim.id == claimed.claim.id)
        #expect(generation.number == 2)
        let second = try await recovery(store).run()
        #expect(second.temporaries == 0 && second.unreferenced.isEmpty && second.rescued.isEmpty)
    }

    @Test func `an announced deletion is finished`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        let row = try await store.submit()
        try await store.applyNext()
        _ = try await store.database.beginPurge("tiny", number: 0)
        try store.reopen()
        #expect(try await recovery(store).run().purges == 1)
        #expect(try await store.database.request(row.id).state == .purged)
        #expect(try await store.database.generations("tiny").map(\.state) == [.purged, .kept])
        #expect(folders(store, "generations") == [try await store.database.head("tiny").folder])
    }

    @Test(arguments: ["model-1.safetensors", "config.json", "manifest.json"])
    func `a damaged head is reported and its files stay`(file: String) async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        try await store.submit()
        try await store.applyNext()
        let head = try await store.database.head("tiny")
        let path = store.generations.url("tiny", head).appendingPathComponent(file)
        var data = try Data(contentsOf: path)
        data[data.startIndex] ^= 1
        try FileManager.default.removeItem(at: path)
        try data.write(to: path)
        try store.reopen()
        let report = try await recovery(store).run()
        guard case .damaged(let error) = report.heads["tiny"] else {
            Issue.record("not found")
            return
        }
        #expect(error.code == .badData)
        #expect(FileManager.default.fileExists(atPath: path.path))
    }

    @Test func `a head whose folder is gone is reported`() async throws {
        let store = try StoreFixture()
        let head = try await store.registerModel().head
        try FileManager.default.removeItem(at: store.generations.url("tiny", head))
        let report = try await recovery(store).run(depth: .sizes)
        #expect(report.heads["tiny"] != .intact)
    }

    @Test(
        arguments: [
            "recovery.after_temporary", "recovery.after_unreferenced", "recovery.after_purges", "recovery.after_rescue",
        ])
    func `a recovery that is interrupted can be repeated`(point: String) async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        try await store.submit()
        try await store.applyNext()
        let row = try await store.submit()
        let claimed = try await store.claim()
        try await store.database.markVerifying(claimed.claim)
        _ = try store.publish(claimed)
        _ = try await store.database.beginPurge("tiny", number: 0)
        try store.reopen()
        let code = await errorCode {
            try await StoreRecovery(
                database: store.database, generations: store.generations, failPoints: FailPoints("\(point):error")
            ).run()
        }
        #expect(code == .ioError)
        try store.reopen()
        try await recovery(store).run()
        #expect(try await store.database.request(row.id).state == .queued)
        #expect(try await store.applyNext().generation.number == 2)
        try await recovery(store).run()
        #expect(folders(store, "generations").count == 2)
    }
}
