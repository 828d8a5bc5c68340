import Foundation
import LetheCore
import LetheProcessSupport
import Testing

/// The life of a small store, with everything that was done to its disk, and what callers were told and when.
struct DiskRecording {
    /// Something that a caller was told, and that has to be so ever after.
    struct Promise {
        enum Kind {
            /// The model is registered.
            case imported
            /// A submission was accepted under this id.
            case accepted(key: String, body: JSONValue, id: String)
            /// A request has come into a state.
            case reached(id: String, state: String)
        }

        let kind: Kind
        /// The length of the journal when it was told.
        let journal: Int
    }

    let journal: DiskJournal
    let promises: [Promise]

    /// The promises that were made by the time that so much was in the journal.
    func promises(at length: Int) -> [Promise.Kind] { promises.filter { $0.journal <= length }.map(\.kind) }

    /// Makes one: an import; requests that are applied, cancelled and rolled back; a crash; and a second start that
    /// destroys texts and purges generations.
    static func make(_ lethe: LetheBinary, _ shim: DiskShim, _ scratch: Scratch) async throws -> DiskRecording {
        var maker = Maker(
            lethe: lethe, store: scratch.path("recorded"), file: scratch.path("journal"),
            environment: shim.journaling(scratch.path("recorded"), to: scratch.path("journal")))
        try await maker.work()
        return DiskRecording(
            journal: try DiskJournal(contentsOf: maker.file, root: maker.store), promises: maker.promises)
    }

    private struct Maker {
        let lethe: LetheBinary
        let store: URL
        let file: URL
        let environment: [String: String]
        var promises: [Promise] = []

        mutating func promise(_ kind: Promise.Kind) throws {
            let size = try FileManager.default.attributesOfItem(atPath: file.path)[.size] as? Int
            promises.append(Promise(kind: kind, journal: try #require(size)))
        }

        mutating func submit(_ submission: Submission, to daemon: DaemonProcess) async throws -> String {
            var submission = submission
            #expect(try await submission.send(to: daemon))
            let id = try #require(submission.id)
            try promise(.accepted(key: submission.key, body: submission.body, id: id))
            return id
        }

        mutating func follow(_ id: String, on daemon: DaemonProcess) async throws {
            let request = try await daemon.waitForEnd(of: id)
            let state = try #require(request["state"]?.stringValue)
            #expect(state == "applied", "\(id): \(request["error"] ?? .null)")
            try promise(.reached(id: id, state: state))
        }

        func start(_ arguments: String...) async throws -> DaemonProcess {
            try await DaemonProcess.start(
                lethe, dataDirectory: store, arguments: ["--log-level", "notice"] + arguments, environment: environment)
        }

        mutating func work() async throws {
            let imported = try await lethe.run(
                ["model", "import", Fixtures.model.path, "--name", "tiny", "--data-dir", store.path],
                environment: environment)
            try #require(imported.end == .exited(0), "\(imported.errorText)")
            try promise(.imported)

            let first = try await start()
            var ids: [String] = []
            for number in 0..<3 { ids.append(try await submit(Submission(number, steps: 150), to: first)) }
            // Enough commits for the log to be moved into the database while more come in.
            for number in 3..<70 {
                let id = try await submit(Submission(number, steps: 5), to: first)
                let answer = try await first.call("POST", "/v1/requests/\(id)/cancel")
                if answer.status == 200 { try promise(.reached(id: id, state: "cancelled")) }
            }
            for id in ids { try await follow(id, on: first) }
            let head = try await first.get("/v1/models")["data"]?.arrayValue?.first?["head"]?["number"]?.intValue
            let number = try #require(head)
            let rolledBack = try await first.call(
                "POST", "/v1/models/tiny/rollback", body: Data(#"{"generation":\#(number - 1)}"#.utf8))
            #expect(rolledBack.status == 200)
            let last = try #require(ids.last)
            if try await first.get("/v1/requests/\(last)")["state"] == .string("failed") {
                promises.removeAll { if case .reached(last, _) = $0.kind { true } else { false } }
                try promise(.reached(id: last, state: "failed"))
            }
            first.process.kill()

            let second = try await start("--generation-retention-days", "0", "--text-retention-days", "0")
            try await follow(try await submit(Submission(70, steps: 50), to: second), on: second)
            #expect(try await second.stop().end == .exited(0))
            let third = try await start("--generation-retention-days", "0", "--text-retention-days", "0")
            let patience = ContinuousClock.now + .seconds(30)
            while try await third.get("/v1/requests/\(ids[0])")["state"] != .string("purged") {
                try #require(ContinuousClock.now < patience, "nothing is purged")
            }
            try promise(.reached(id: ids[0], state: "purged"))
            try await follow(try await submit(Submission(71, steps: 50), to: third), on: third)
            #expect(try await third.stop().end == .exited(0))
        }
    }
}
