import Foundation
import LetheCore
import LetheProcessSupport
import Testing

/// The power fails at any moment of a store's life: what was not synced is lost, kept or torn in any combination, and
/// the program is started on what is left.
///
/// `LETHE_POWER_STATES` sets the number of states (10), `LETHE_POWER_SEED` the seed.
@Suite(.serialized) struct PowerLossTests {
    private static let states = number("LETHE_POWER_STATES") ?? 10
    private static let seed = UInt64(clamping: number("LETHE_POWER_SEED") ?? Int.random(in: 1...1_000_000))

    private static func number(_ name: String) -> Int? {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) }
    }

    @Test func `what was promised stands whenever the power fails`() async throws {
        print("power-loss seed \(Self.seed), \(Self.states) states")
        let lethe = try LetheBinary()
        let scratch = try Scratch()
        let shim = try await DiskShim(scratch)
        let recording = try await DiskRecording.make(lethe, shim, scratch)
        let operations = recording.journal.operations
        let syncs = operations.indices.filter { operations[$0].kind == .sync }
        print("\(operations.count) operations, \(syncs.count) of them syncs, \(recording.promises.count) promises")
        // The protocol of the log and that of generations are both in it.
        #expect(syncs.count > 200)
        var tally = Tally()
        for state in 0..<Self.states {
            var generator = SeededGenerator(seed: Self.seed &+ UInt64(state))
            // The moment before a sync is when most is at stake.
            let length =
                generator.nextInt(below: 2) == 0
                ? syncs[generator.nextInt(below: syncs.count)] : generator.nextInt(below: operations.count + 1)
            var disk = DiskModel()
            for operation in operations.prefix(length) { try disk.apply(operation) }
            var loss = PowerLoss(after: length, generator: &generator)
            let store = scratch.path("state-\(state)")
            try disk.writeImage(to: store, after: &loss)
            try Self.leaveStaleIndex(in: store, &generator)
            tally.pending += disk.pendingCount
            let promises = recording.promises(at: length == 0 ? 0 : operations[length - 1].end)
            var bench = PowerLossCheck(lethe: lethe, store: store, promises: promises)
            if generator.nextInt(below: 4) == 0, bench.isImported {
                tally.doubled += 1
                bench = try await Self.failAgain(bench, shim, scratch, &generator)
            }
            do {
                try await bench.run()
            } catch {
                Issue.record("state \(state) of seed \(Self.seed), after operation \(length): \(error)")
            }
            try? FileManager.default.removeItem(at: bench.store)
        }
        print(
            "\(Self.states) states, \(tally.doubled) of them with a second failure during recovery; "
                + "\(tally.pending) changes at stake")
    }

    // The log; and both of the folders of which either makes the move of a generation sure.
    @Test(arguments: [["lethe.sqlite-wal"], ["generations", "tmp"]])
    func `a program that did not sync would be found out`(names: [String]) async throws {
        let lethe = try LetheBinary()
        let scratch = try Scratch()
        let recording = try await DiskRecording.make(lethe, try await DiskShim(scratch), scratch)
        var inodes: Set<UInt64> = []
        var disk = DiskModel()
        // Up to the last promise of the first start: nothing has been checkpointed by a stop yet.
        let last = try #require(
            recording.promises.last { if case .reached(_, "failed") = $0.kind { true } else { false } })
        for operation in recording.journal.operations where operation.end <= last.journal {
            switch operation.kind {
            case .create(let path, _), .makeFolder(let path, _):
                if let name = path.split(separator: "/").last, names.contains(String(name)) {
                    inodes.insert(operation.inode)
                }
            default: break
            }
            if operation.kind == .sync, inodes.contains(operation.inode) { continue }
            try disk.apply(operation)
        }
        #expect(!inodes.isEmpty)
        var loss = PowerLoss.ofEverything
        let store = scratch.path("unsynced")
        try disk.writeImage(to: store, after: &loss)
        let check = PowerLossCheck(lethe: lethe, store: store, promises: recording.promises(at: last.journal))
        await withKnownIssue { try await check.run() }
    }

    private struct Tally {
        var pending = 0
        var doubled = 0
    }

    /// The power fails once more while the daemon recovers from the first time.
    private static func failAgain(
        _ bench: PowerLossCheck, _ shim: DiskShim, _ scratch: Scratch, _ generator: inout SeededGenerator
    ) async throws -> PowerLossCheck {
        let journal = scratch.path("second-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: journal) }
        var disk = try DiskModel(folder: bench.store)
        let daemon = try await DaemonProcess.start(
            bench.lethe, dataDirectory: bench.store, arguments: ["--log-level", "notice"],
            environment: shim.journaling(bench.store, to: journal))
        daemon.process.kill()
        let operations = try DiskJournal(contentsOf: journal, root: bench.store).operations
        let length = generator.nextInt(below: operations.count + 1)
        for operation in operations.prefix(length) { try disk.apply(operation) }
        var loss = PowerLoss(after: length, generator: &generator)
        let store = bench.store.appendingPathExtension("again")
        try disk.writeImage(to: store, after: &loss)
        try FileManager.default.removeItem(at: bench.store)
        return PowerLossCheck(lethe: bench.lethe, store: store, promises: bench.promises)
    }

    /// The index of the log is never synced: after a failure there is any old content in it, or none.
    private static func leaveStaleIndex(in store: URL, _ generator: inout SeededGenerator) throws {
        guard generator.nextInt(below: 3) == 0 else { return }
        let bytes = Data((0..<32_768).map { _ in UInt8(truncatingIfNeeded: generator.next()) })
        try bytes.write(to: store.appendingPathComponent("lethe.sqlite-shm"))
    }
}
