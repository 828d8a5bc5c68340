import Foundation
import LetheCore
import LetheStore
import Testing

@Suite struct GenerationStoreTests {
    private func file(_ store: StoreFixture, _ generation: GenerationRow, _ name: String) -> String {
        store.generations.url("tiny", generation).appendingPathComponent(name).path
    }

    /// Replaces the content of a published file, which is read-only.
    private func overwrite(_ path: String, _ data: Data) throws {
        try FileManager.default.removeItem(atPath: path)
        try data.write(to: URL(fileURLWithPath: path))
    }

    @Test func `a published generation is read-only and named after its manifest`() async throws {
        let store = try StoreFixture()
        let head = try await store.registerModel().head
        let digits = head.manifestDigest.prefix(6).map { String(format: "%02x", $0) }.joined()
        #expect(head.folder == "0-\(digits)")
        let manifest = try store.generations.verify("tiny", head, depth: .contents)
        #expect(
            manifest.files.map(\.name) == [
                "config.json", "model-0.safetensors", "model-1.safetensors", "model-2.safetensors",
            ])
        #expect(manifest.byteCount == 3 * 4096 + 2)
        #expect(head.byteCount == manifest.byteCount)
        #expect(manifest.model == "tiny")
        #expect(manifest.method == "import")
        for name in manifest.files.map(\.name) + ["manifest.json"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: file(store, head, name))
            #expect(attributes[.posixPermissions] as? Int == 0o400)
        }
        let stored = try Data(contentsOf: URL(fileURLWithPath: file(store, head, "manifest.json")))
        #expect(try GenerationManifest(data: stored) == manifest)
    }

    @Test func `the manifest names parent and requests`() async throws {
        let store = try StoreFixture()
        let base = try await store.registerModel().head
        try await store.submit()
        let (claimed, generation) = try await store.applyNext()
        let manifest = try store.generations.verify("tiny", generation, depth: .sizes)
        #expect(manifest.number == 1)
        #expect(manifest.parentNumber == 0)
        #expect(manifest.parentDigest == base.manifestDigest)
        #expect(manifest.requestIDs == [claimed.claim.id])
        #expect(manifest.seed == 1)
        #expect(manifest.codeVersion == "test")
    }

    @Test func `every kind of damage is found`() async throws {
        let store = try StoreFixture()
        let head = try await store.registerModel().head
        func code(_ depth: GenerationStore.Depth) async -> LetheError.Code? {
            await errorCode { try store.generations.verify("tiny", head, depth: depth) }
        }
        let weights = file(store, head, "model-1.safetensors")
        let original = try Data(contentsOf: URL(fileURLWithPath: weights))

        var flipped = original
        flipped[100] ^= 1
        try overwrite(weights, flipped)
        #expect(await code(.sizes) == nil)
        #expect(await code(.contents) == .badData)

        try overwrite(weights, original.dropLast())
        #expect(await code(.sizes) == .badData)

        try FileManager.default.removeItem(atPath: weights)
        #expect(await code(.sizes) == .badData)

        try FileManager.default.createSymbolicLink(
            atPath: weights, withDestinationPath: file(store, head, "model-0.safetensors"))
        #expect(await code(.sizes) == .badData)
        try overwrite(weights, original)
        #expect(await code(.contents) == nil)

        let extra = file(store, head, "extra.json")
        try Data("{}".utf8).write(to: URL(fileURLWithPath: extra))
        #expect(await code(.sizes) == .badData)
        try FileManager.default.removeItem(atPath: extra)

        let manifest = file(store, head, "manifest.json")
        var text = try Data(contentsOf: URL(fileURLWithPath: manifest))
        text.append(0x20)
        try overwrite(manifest, text)
        #expect(await code(.sizes) == .badData)
        try FileManager.default.removeItem(atPath: manifest)
        #expect(await code(.sizes) == .badData)
    }

    @Test func `a damaged parent is not built upon`() async throws {
        let store = try StoreFixture()
        let head = try await store.registerModel().head
        try FileManager.default.removeItem(atPath: file(store, head, "model-1.safetensors"))
        #expect(await errorCode { _ = try store.generations.stage(model: "tiny", fence: 9, parent: head) } == .badData)
    }

    @Test func `only what the parent has can be taken over`() async throws {
        let store = try StoreFixture()
        let head = try await store.registerModel().head
        let staging = try store.generations.stage(model: "tiny", fence: 9, parent: head)
        #expect(await errorCode { try staging.takeFromParent("other.json") } == .notFound)
        #expect(await errorCode { try staging.takeFromParent("../manifest.json") } == .notFound)
        try staging.takeFromParent("config.json")
        #expect(await errorCode { try staging.takeFromParent("config.json") } == .conflict)
        let first = try store.generations.stage(model: "other", fence: 1, parent: nil)
        #expect(await errorCode { try first.takeFromParent("config.json") } == .usage)
    }

    @Test func `a replaced copy of a parent's file is hashed anew`() async throws {
        let store = try StoreFixture()
        let head = try await store.registerModel().head
        let staging = try store.generations.stage(model: "tiny", fence: 9, parent: head)
        // The same name and size as in the parent, and another content.
        try Data(repeating: 77, count: 4096).write(to: staging.url.appendingPathComponent("model-0.safetensors"))
        let published = try store.generations.publish(
            staging, number: 1, requestIDs: [], method: "fit", codeVersion: "test", createdAt: store.clock.now())
        try store.generations.verify(
            "tiny", folder: published.folder, manifestDigest: published.manifestDigest, depth: .contents)
    }

    @Test(arguments: ["sub/", ".hidden", "manifest.json", "a b", "link"])
    func `a staging with anything but plain files is refused`(entry: String) async throws {
        let store = try StoreFixture()
        let staging = try store.generations.stage(model: "tiny", fence: 1, parent: nil)
        let url = staging.url.appendingPathComponent(entry.replacingOccurrences(of: "/", with: ""))
        if entry.hasSuffix("/") {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
        } else if entry == "link" {
            try FileManager.default.createSymbolicLink(atPath: url.path, withDestinationPath: "/etc/hostname")
        } else {
            try Data([1]).write(to: url)
        }
        let code = await errorCode {
            _ = try store.generations.publish(
                staging, number: 0, requestIDs: [], method: "import", codeVersion: "test",
                createdAt: store.clock.now())
        }
        #expect(code == .badData)
    }

    @Test func `an empty staging is refused`() async throws {
        let store = try StoreFixture()
        let staging = try store.generations.stage(model: "tiny", fence: 1, parent: nil)
        let code = await errorCode {
            _ = try store.generations.publish(
                staging, number: 0, requestIDs: [], method: "import", codeVersion: "test",
                createdAt: store.clock.now())
        }
        #expect(code == .badData)
    }

    @Test func `a taken name is not replaced`() async throws {
        let store = try StoreFixture()
        func publish(_ fence: Int64) throws -> PublishedGeneration {
            let staging = try store.generations.stage(model: "tiny", fence: fence, parent: nil)
            try Data("{}".utf8).write(to: staging.url.appendingPathComponent("config.json"))
            return try store.generations.publish(
                staging, number: 0, requestIDs: [], method: "import", codeVersion: "test",
                createdAt: store.clock.now())
        }
        let first = try publish(1)
        #expect(await errorCode { _ = try publish(2) } == .conflict)
        try store.generations.verify(
            "tiny", folder: first.folder, manifestDigest: first.manifestDigest, depth: .contents)
    }

    @Test(arguments: ["../x", "A", "", "a/b", ".."])
    func `names that are no model names are refused`(name: String) async throws {
        let store = try StoreFixture()
        #expect(await errorCode { _ = try store.generations.stage(model: name, fence: 1, parent: nil) } == .badData)
        #expect(await errorCode { try store.generations.delete(name, folder: "0-000000000000") } == .usage)
    }

    @Test(arguments: ["..", "0", "0-", "x-000000000000", "0-00000000000G", "0-000000000000/..", "-000000000000"])
    func `only generation folders are deleted`(folder: String) async throws {
        let store = try StoreFixture()
        #expect(await errorCode { try store.generations.delete("tiny", folder: folder) } == .usage)
    }

    @Test(
        arguments: [
            "publish.after_stage", "publish.after_file_sync", "publish.after_manifest", "publish.after_folder_sync",
            "publish.after_rename", "publish.after_parent_sync",
        ])
    func `an error at any step of publication leaves nothing that counts`(point: String) async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        try await store.submit()
        try store.reopen(failPoints: FailPoints("\(point):full"))
        let claimed = try await store.claim()
        try await store.database.markVerifying(claimed.claim)
        #expect(await errorCode { _ = try store.publish(claimed) } == .diskFull)
        #expect(try await store.database.head("tiny").number == 0)
        try await store.database.scheduleRetry(
            claimed.claim, at: store.clock.now(), code: "disk_full", message: "no space")
        // The next attempt succeeds in the same run: its folder and fence are its own.
        try store.reopen()
        try await StoreRecovery(database: store.database, generations: store.generations, failPoints: FailPoints())
            .run()
        #expect(try await store.applyNext().generation.number == 1)
    }
}
