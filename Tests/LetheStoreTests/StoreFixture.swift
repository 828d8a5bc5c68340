import Foundation
import LetheCore
import LetheStore
import Synchronization

/// A clock that stands still until it is moved.
final class ManualClock: WallClock {
    private let time: Mutex<Date>

    init(_ start: Date = Date(timeIntervalSince1970: 1_800_000_000)) { time = Mutex(start) }

    func now() -> Date { time.withLock { $0 } }
    func advance(_ seconds: TimeInterval) { time.withLock { $0 += seconds } }
}

/// A data directory of its own with everything open, deleted at the end.
final class StoreFixture {
    let root: URL
    let clock: ManualClock
    private(set) var directory: DataDirectory!
    private(set) var database: LetheDatabase!
    private(set) var generations: GenerationStore!

    init(failPoints: FailPoints = FailPoints(), clock: ManualClock = ManualClock()) throws {
        root = FileManager.default.temporaryDirectory
            .appendingPathComponent("lethe-store-tests-\(UUID().uuidString)", isDirectory: true)
        self.clock = clock
        try open(failPoints: failPoints)
    }

    /// Opens what ``close()`` or a simulated crash has closed.
    func open(failPoints: FailPoints = FailPoints()) throws {
        directory = try DataDirectory(root)
        database = try LetheDatabase(directory: directory, clock: clock, failPoints: failPoints)
        generations = GenerationStore(directory: directory, failPoints: failPoints)
    }

    func close() throws {
        try database.close()
        letGo()
    }

    /// Lets go of everything without closing it in order.
    func letGo() {
        database = nil
        generations = nil
        directory = nil
    }

    /// Closes and opens again, as a restart does.
    func reopen(failPoints: FailPoints = FailPoints()) throws {
        try close()
        try open(failPoints: failPoints)
    }

    deinit { try? FileManager.default.removeItem(at: root) }

    // MARK: - Shortcuts

    /// A request with one text.
    static func request(
        _ text: String = "Name: A. Example", reference: String? = nil, priority: Int = 0, dueAt: Date? = nil,
        category: RequestCategory = .personal, model: String? = nil
    ) -> ErasureRequest {
        ErasureRequest(
            category: category, reference: reference, items: [.text(text)], priority: priority, dueAt: dueAt,
            model: model)
    }

    /// Makes the files of an import and registers them.
    @discardableResult
    func registerModel(_ name: String = "tiny") async throws -> ModelRow {
        let staging = try generations.stage(model: name, fence: await database.takeFence(), parent: nil)
        try Data("{}".utf8).write(to: staging.url.appendingPathComponent("config.json"))
        for layer in 0..<3 {
            try Data(repeating: UInt8(layer), count: 4096)
                .write(to: staging.url.appendingPathComponent("model-\(layer).safetensors"))
        }
        let published = try generations.publish(
            staging, number: 0, requestIDs: [], method: "import", codeVersion: "test", createdAt: clock.now())
        return try await database.registerModel(published)
    }

    @discardableResult
    func submit(_ request: ErasureRequest = StoreFixture.request(), key: String = UUID().uuidString) async throws
        -> RequestRow
    {
        try await database.submit(
            request: request, idempotencyKey: key, bodyDigest: Data(request.json.serialized().prefix(64))
        ).row
    }

    /// Claims the next request; there has to be one.
    func claim() async throws -> ClaimedRequest {
        guard let claimed = try await database.claimNext() else {
            throw LetheError(.internalError, "nothing to claim")
        }
        return claimed
    }

    /// Makes and publishes the files of a generation in which one layer was changed.
    func publish(_ claimed: ClaimedRequest, layer: Int = 1) throws -> PublishedGeneration {
        let staging = try generations.stage(model: claimed.model, fence: claimed.claim.fence, parent: claimed.head)
        for file in staging.parentManifest?.files ?? [] where file.name != "model-\(layer).safetensors" {
            try staging.takeFromParent(file.name)
        }
        try Data(repeating: UInt8(truncatingIfNeeded: claimed.claim.fence + 100), count: 4096)
            .write(to: staging.url.appendingPathComponent("model-\(layer).safetensors"))
        return try generations.publish(
            staging, number: claimed.nextGeneration, requestIDs: [claimed.claim.id], method: "fit", seed: 1,
            codeVersion: "test", createdAt: clock.now())
    }

    /// Takes the next request all the way to `applied`.
    @discardableResult
    func applyNext(memory: MemoryChunks? = nil) async throws -> (claimed: ClaimedRequest, generation: GenerationRow) {
        let claimed = try await claim()
        try await database.markVerifying(claimed.claim)
        let published = try publish(claimed)
        let generation = try await database.complete(
            [Completion(claim: claimed.claim, record: .object(JSONObject([("loss", .number(3.5))])), memory: memory)],
            generation: published)
        return (claimed, generation)
    }
}

/// The code of the ``LetheError`` that `body` throws; nil when it throws none.
func errorCode(_ body: () async throws -> Void) async -> LetheError.Code? {
    do {
        try await body()
        return nil
    } catch {
        return (error as? LetheError)?.code
    }
}
