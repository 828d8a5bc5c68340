import Foundation
import LetheCore
import LetheStore
import Testing

/// No byte of what a caller wrote may be found outside of memory.
@Suite struct PrivacyTests {
    static let marker = "Zyxwvut 8675309 canary-marker"

    /// Forms in which the marker could lie in a file.
    static let needles: [(form: String, bytes: Data)] = {
        let plain = Data(marker.utf8)
        var needles: [(String, Data)] = [
            ("UTF-8", plain),
            ("UTF-16 LE", marker.data(using: .utf16LittleEndian)!),
            ("UTF-16 BE", marker.data(using: .utf16BigEndian)!),
            ("hex", Data(plain.map { String(format: "%02x", $0) }.joined().utf8)),
            ("HEX", Data(plain.map { String(format: "%02X", $0) }.joined().utf8)),
            ("URL", Data(marker.addingPercentEncoding(withAllowedCharacters: .alphanumerics)!.utf8)),
            ("reversed", Data(plain.reversed())),
        ]
        // Base64 of the marker at each of the three alignments, without what depends on its neighbours.
        for shift in 0..<3 {
            let text = Data((Data(repeating: 0x20, count: shift) + plain).base64EncodedString().utf8)
            needles.append(("base64 +\(shift)", text.dropFirst(4).dropLast(4)))
        }
        return needles
    }()

    /// Every file that holds the marker in any form.
    private func findings(_ root: URL) throws -> [String] {
        var findings: [String] = []
        let entries = try #require(FileManager.default.enumerator(atPath: root.path))
        for case let entry as String in entries {
            for (form, bytes) in Self.needles where entry.data(using: .utf8)!.range(of: bytes) != nil {
                findings.append("name \(entry): \(form)")
            }
            let path = "\(root.path)/\(entry)"
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue else {
                continue
            }
            let data = try Data(contentsOf: URL(fileURLWithPath: path))
            for (form, bytes) in Self.needles where data.range(of: bytes) != nil {
                findings.append("\(entry): \(form)")
            }
        }
        return findings
    }

    private func markedRequest(_ suffix: String = "") -> ErasureRequest {
        var request = ErasureRequest(
            category: .personal, reference: Self.marker,
            items: [.text("Name: \(Self.marker)\(suffix)"), .pair(prompt: Self.marker, completion: Self.marker)],
            keep: [.text(Self.marker)])
        request.options.preset = Self.marker
        return request
    }

    private func submitMarked(_ store: StoreFixture, _ suffix: String = "") async throws -> RequestID {
        let request = markedRequest(suffix)
        return try await store.database.submit(
            request: request, idempotencyKey: Self.marker + suffix, bodyDigest: request.json.serialized(),
            scope: Self.marker
        ).row.id
    }

    @Test func `the scan finds the marker in every form`() throws {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent("lethe-scan-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: root) }
        for (index, needle) in Self.needles.enumerated() {
            try (Data([0, 1]) + needle.bytes + Data([2])).write(to: root.appendingPathComponent("\(index)"))
        }
        let json = JSONValue.string(Data("xx\(Self.marker)yy".utf8).base64EncodedString()).serialized()
        try json.write(to: root.appendingPathComponent("json"))
        #expect(try findings(root).count == Self.needles.count + 1)
    }

    @Test func `no file holds text of a request at any point of its life`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        let applied = try await submitMarked(store)
        #expect(try findings(store.root) == [])
        let claimed = try await store.claim()
        #expect(claimed.request == markedRequest())
        try await store.database.progress(claimed.claim, ProgressUpdate(phase: "training", step: 1, total: 2))
        try await store.database.markVerifying(claimed.claim)
        let published = try store.publish(claimed)
        try await store.database.complete(
            [
                Completion(
                    claim: claimed.claim, record: .object(JSONObject([("loss", .number(1))])),
                    memory: MemoryChunks(space: "encoder", dimension: 2, vectors: [1, 2]))
            ], generation: published)
        let cancelled = try await submitMarked(store, " 2")
        _ = try await store.database.cancel(cancelled)
        let failed = try await submitMarked(store, " 3")
        try await store.database.fail(try await store.claim().claim, code: "gate_not_met", message: "utility fell")
        let crashed = try await submitMarked(store, " 4")
        _ = try await store.claim()
        #expect(try findings(store.root) == [])
        store.letGo()
        try store.open()
        try await store.database.rescueOrphans()
        _ = try await store.database.cancel(crashed)
        #expect(try findings(store.root) == [])
        for id in [applied, cancelled, failed, crashed] { try await store.database.destroyPayload(id) }
        #expect(try findings(store.root) == [])
        try store.close()
        #expect(try findings(store.root) == [])
    }

    @Test func `after destruction neither text nor key is left`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        let id = try await submitMarked(store)
        try await store.applyNext()
        // With the key file at hand everything that is still stored can be read: the wrapped key has to go as well.
        let before = try Data(contentsOf: store.root.appendingPathComponent("lethe.sqlite-wal"))
        #expect(!before.isEmpty)
        try await store.database.destroyPayload(id)
        #expect(try await store.database.truncateLog())
        let log = try Data(contentsOf: store.root.appendingPathComponent("lethe.sqlite-wal"))
        #expect(log.isEmpty)

        let row = try await store.database.request(id)
        #expect(row.state == .applied)
        #expect(row.reference == nil)
        #expect(row.options == nil)
        #expect(row.destroyedAt == store.clock.now())
        #expect(row.json["reference"] == .null)
        #expect(await errorCode { _ = try await store.database.requestText(id) } == .notFound)
        #expect(try await store.database.list(RequestFilter(reference: Self.marker)).rows.isEmpty)
        #expect(try await store.database.events(id).map(\.kind).last == "text_destroyed")
        // Once is enough.
        try await store.database.destroyPayload(id)
        #expect(try await store.database.events(id).filter { $0.kind == "text_destroyed" }.count == 1)
    }

    @Test func `the encrypted text itself is gone from the file`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        let id = try await submitMarked(store)
        _ = try await store.database.cancel(id)
        // Find the boxes as they lie in the file, before and after.
        try store.close()
        let boxes = try StoredBoxes(store.root, id)
        #expect(try boxes.found(in: store.root) == boxes.count)
        try store.open()
        // At once: the commit is followed by a checkpoint that empties the log.
        try await store.database.destroyPayload(id)
        #expect(try boxes.found(in: store.root) == 0)
    }

    @Test func `texts are destroyed when their time is over`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        let old = try await submitMarked(store)
        try await store.applyNext()
        store.clock.advance(1000)
        let young = try await submitMarked(store, " 2")
        _ = try await store.database.cancel(young)
        let open = try await submitMarked(store, " 3")
        #expect(try await store.database.destroyPayloads(finalizedBefore: store.clock.now()) == [old])
        #expect(try await store.database.destroyPayloads(finalizedBefore: store.clock.now()).isEmpty)
        store.clock.advance(1)
        #expect(try await store.database.destroyPayloads(finalizedBefore: store.clock.now()) == [young])
        #expect(try await store.database.requestText(open) == markedRequest(" 3"))
    }

    @Test func `errors and descriptions do not quote`() async throws {
        let store = try StoreFixture()
        try await store.registerModel("one")
        try await store.registerModel("two")
        func check(_ body: () async throws -> Void) async {
            do {
                try await body()
                Issue.record("no error")
            } catch {
                #expect(!"\(error)".contains(Self.marker))
                #expect(!String(reflecting: error).contains(Self.marker))
                #expect(!error.localizedDescription.contains(Self.marker))
            }
        }
        await check { _ = try await submitMarked(store) }
        var request = markedRequest()
        request.model = "one"
        let marked = request
        let id = try await store.database.submit(
            request: marked, idempotencyKey: Self.marker, bodyDigest: Data([1])
        ).row.id
        await check {
            _ = try await store.database.submit(request: marked, idempotencyKey: Self.marker, bodyDigest: Data([2]))
        }
        request.priority = 7777
        let refused = request
        await check {
            _ = try await store.database.submit(
                request: refused, idempotencyKey: "\(Self.marker) 2", bodyDigest: Data([1]))
        }
        await check {
            _ = try await store.database.submit(
                request: marked, idempotencyKey: String(repeating: Self.marker, count: 50), bodyDigest: Data([1]))
        }
        await check { _ = try await store.database.list(cursor: Self.marker) }
        await check { _ = try await store.database.model(Self.marker) }
        await check { _ = try store.generations.stage(model: Self.marker, fence: 1, parent: nil) }
        let row = try await store.database.request(id)
        #expect(!"\(row)".contains(Self.marker))
        #expect(!String(reflecting: row.reference).contains(Self.marker))
        let claimed = try await store.claim()
        #expect(!"\(claimed)".contains(Self.marker))
    }

    @Test func `a changed payload is refused and the request failed`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        let bad = try await submitMarked(store)
        let good = try await submitMarked(store, " 2")
        try store.close()
        try StoredBoxes.swapPayloads(store.root, bad)
        try store.open()
        #expect(try await store.claim().claim.id == good)
        let row = try await store.database.request(bad)
        #expect(row.state == .failed)
        #expect(row.errorCode == "text_unreadable")
    }
}
