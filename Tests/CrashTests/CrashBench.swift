import Foundation
import LetheCore
import LetheProcessSupport
import Testing

/// A store with the fixture model in it, and the daemon that is started on it over and over.
final class CrashBench: Sendable {
    let lethe: LetheBinary
    let scratch: Scratch

    init() throws {
        lethe = try LetheBinary()
        scratch = try Scratch()
    }

    /// The data directory.
    var store: URL { scratch.path("store") }

    /// `lethe model import`, with fail points.
    func importModel(failPoints: String? = nil) async throws -> Finished {
        try await lethe.run(
            ["model", "import", Fixtures.model.path, "--name", "tiny", "--data-dir", store.path],
            environment: Self.environment(failPoints))
    }

    /// Starts the daemon, with fail points.
    func start(failPoints: String? = nil, arguments: [String] = []) async throws -> DaemonProcess {
        try await DaemonProcess.start(
            lethe, dataDirectory: store, arguments: ["--log-level", "notice"] + arguments,
            environment: Self.environment(failPoints))
    }

    /// Starts the daemon with fail points that kill it before it listens.
    func startToDie(failPoints: String) async throws -> Finished {
        try await lethe.run(
            ["serve", "--data-dir", store.path, "--port", "0", "--threads", "1"],
            environment: Self.environment(failPoints))
    }

    private static func environment(_ failPoints: String?) -> [String: String] {
        failPoints.map { ["LETHE_FAILPOINT": $0] } ?? [:]
    }
}

/// A submission, as its caller remembers it.
struct Submission: Sendable {
    /// Its idempotency key.
    let key: String
    let body: JSONValue
    /// Its name, once the daemon has acknowledged it.
    var id: String?

    /// A request that changes the fixture model every time.
    ///
    /// - Parameters:
    ///   - number: makes the text a different one.
    ///   - steps: optimiser steps for each of the items; about half a millisecond each.
    init(_ number: Int, steps: Int, items: Int = 1) {
        key = "crash-\(number)"
        let pairs = (0..<items).map { item in
            JSONValue.object(
                JSONObject([
                    ("prompt", .string("Where does resident \(number) of house \(item) live?")),
                    ("completion", .string(" At \(number) Elm Row, near pier \(number % 7).")),
                ]))
        }
        let options = JSONObject([
            ("preset", "published"), ("method", "ga"), ("keep_term", "none"), ("layers", 2),
            ("epochs", .integer(Int64(steps))), ("learning_rate", .number(1e-6)), ("seed", .integer(Int64(number))),
        ])
        body = .object(
            JSONObject([("category", "personal"), ("items", .array(pairs)), ("options", .object(options))]))
    }

    /// Sends it.
    /// - Returns: whether it was acknowledged; false when the connection was lost.
    mutating func send(to daemon: DaemonProcess) async throws -> Bool {
        let answer: HTTPExchange.Answer
        do {
            answer = try await daemon.submit(body, key: key)
        } catch let error as LetheError where error.code == .unavailable {
            return false
        }
        guard answer.status == 202, let name = try answer.json["id"]?.stringValue else {
            throw LetheError(
                .badData, "\(key): status \(answer.status): \(String(decoding: answer.body, as: UTF8.self))")
        }
        if let id { #expect(id == name, "\(key) was accepted twice") }
        id = name
        return true
    }
}
