import Foundation
import LetheCore
import LetheProcessSupport
import Testing

/// Kills the program at each of its fail points, and checks what the next start makes of it.
///
/// `LETHE_CRASH_FULL=1` also kills at later arrivals at a point, and a second time while the next start recovers.
@Suite(.serialized) struct FailPointTests {
    private static let isFull = ProcessInfo.processInfo.environment["LETHE_CRASH_FULL"] == "1"

    /// The points whose names begin with one of these, in the order of ``FailPoint/all``.
    private static func points(_ prefixes: String...) -> [String] {
        FailPoint.all.map(\.rawValue).filter { name in prefixes.contains { name.hasPrefix("\($0).") } }
    }

    private static let request = points("submit", "claim", "progress", "update", "verify", "publish", "complete")
    private static let start = points("recovery", "rescue", "head")

    /// Points of the request's path, each with the arrival at which it kills.
    private static let deaths: [(point: String, arrival: Int)] = request.flatMap { point in
        let later: [Int] =
            switch point {
            case "update.before_first_step": [2, 3]
            case "update.after_step": [2, 57, 1500]
            case "publish.after_file_sync": Array(2...10)
            default: []
            }
        return ([1] + (isFull ? later : [])).map { (point, $0) }
    }

    @Test func `every point that the program can reach is walked`() {
        let walked =
            Self.request + Self.start
            + Self.points("register", "key", "key_created", "key_revoked")
            + Self.points("release", "strengthen", "retry", "fail", "cancel", "rollback")
        // Only the store's own tests destroy texts and purge generations: no command does.
        let other = Self.points("destroy", "purge")
        #expect(Set(walked + other) == Set(FailPoint.all.map(\.rawValue)))
    }

    @Test(arguments: deaths)
    func `a request survives a death on its way`(point: String, arrival: Int) async throws {
        let bench = try await Self.bench()
        // Progress is written twice a second, which only a long update sees.
        let isLong = point.hasPrefix("progress.") || arrival > 100
        var submission = Submission(1, steps: isLong ? 800 : 50, items: 2)
        try await Self.die(bench, "\(point):kill:\(arrival)", submitting: &submission)
        if point.hasPrefix("submit.") { #expect(submission.id == nil) }
        let wasAccepted = point != "submit.before_commit"

        if Self.isFull {
            // Without a new entry there is no head to sign.
            for second in Self.start where second != "recovery.after_purges" && !second.hasPrefix("head.") {
                let finished = try await bench.startToDie(failPoints: "\(second):kill")
                #expect(finished.end == .signalled(9), "\(second): \(finished.errorText)")
            }
        }
        let daemon = try await bench.start()
        let found = try await daemon.get("/v1/requests")["data"]?.arrayValue ?? []
        #expect(found.count == (wasAccepted ? 1 : 0))
        if let id = submission.id { #expect(found.first?["id"] == .string(id)) }
        #expect(try await submission.send(to: daemon))
        if let first = found.first { #expect(first["id"] == submission.id.map { .string($0) }) }
        let generations = try await StoreAudit(bench: bench, submissions: [submission]).run(daemon)
        #expect(generations.count == 2)
    }

    @Test(arguments: start)
    func `a start that dies while it recovers is repeated`(point: String) async throws {
        let bench = try await Self.bench()
        var submission = Submission(1, steps: 100)
        try await Self.die(bench, "update.after_step:kill:40", submitting: &submission)
        // Once the log is signed there is nothing left to sign.
        for _ in 0..<(point == "head.after_commit" ? 1 : 2) {
            let finished = try await bench.startToDie(failPoints: "\(point):kill")
            // The second time there may be nothing left to rescue.
            #expect(finished.end == .signalled(9), "\(finished.errorText)")
        }
        let generations = try await StoreAudit(bench: bench, submissions: [submission]).run(bench.start())
        #expect(generations.count == 2)
    }

    @Test(arguments: points("register") + points("publish") + points("key"))
    func `an import that dies can be repeated`(point: String) async throws {
        let bench = try CrashBench()
        #expect(try await bench.importModel(failPoints: "\(point):kill").end == .signalled(9))
        let isDone = point == "register.after_commit"
        let again = try await bench.importModel()
        #expect(again.end == .exited(isDone ? 1 : 0), "\(again.errorText)")
        // The start of a daemon deletes what the first attempt left.
        let daemon = try await bench.start()
        let generations = try await StoreAudit(bench: bench, submissions: []).run(daemon)
        #expect(generations.count == 1)
    }

    @Test(arguments: points("release"))
    func `a request that is given back is not lost`(point: String) async throws {
        let bench = try await Self.bench()
        var submission = Submission(1, steps: 1000, items: 4)
        let daemon = try await bench.start(failPoints: "\(point):kill")
        #expect(try await submission.send(to: daemon))
        try await Self.waitForProgress(bench, daemon, submission)
        #expect(try await daemon.stop().end == .signalled(9))
        try await StoreAudit(bench: bench, submissions: [submission]).run(bench.start())
    }

    @Test(arguments: points("cancel"))
    func `a cancellation happens or does not`(point: String) async throws {
        let bench = try await Self.bench()
        var submission = Submission(1, steps: 800, items: 2)
        let daemon = try await bench.start(failPoints: "\(point):kill")
        #expect(try await submission.send(to: daemon))
        let id = try #require(submission.id)
        await #expect(throws: LetheError.self) { try await daemon.call("POST", "/v1/requests/\(id)/cancel") }
        #expect(try await Self.end(of: daemon) == .signalled(9))
        let second = try await bench.start()
        let ended = try await second.waitForEnd(of: id)
        #expect(ended["state"] == .string(point == "cancel.after_commit" ? "cancelled" : "applied"))
        let generations = try await second.get("/v1/models/tiny/generations")["data"]?.arrayValue
        #expect(generations?.count == (point == "cancel.after_commit" ? 1 : 2))
        if point == "cancel.before_commit" {
            try await StoreAudit(bench: bench, submissions: [submission]).run(second)
        }
    }

    @Test(arguments: points("retry"))
    func `a request that is put off is not lost`(point: String) async throws {
        let bench = try await Self.bench()
        var submission = Submission(1, steps: 100)
        try await Self.die(bench, "publish.after_stage:error,\(point):kill", submitting: &submission)
        let id = try #require(submission.id)
        let daemon = try await bench.start()
        if point == "retry.after_commit" {
            #expect(try await daemon.get("/v1/requests/\(id)")["state"] == .string("retryable"))
            #expect(try await daemon.call("POST", "/v1/requests/\(id)/retry").status == 200)
        }
        #expect(try await daemon.waitForEnd(of: id)["state"] == .string("applied"))
        #expect(try await daemon.get("/v1/models/tiny/generations")["data"]?.arrayValue?.count == 2)
    }

    @Test(arguments: [
        "publish.after_manifest", "publish.after_rename", "complete.before_commit", "claim.before_commit",
    ])
    func `a failed sync ends the daemon, and the next start carries on`(point: String) async throws {
        let bench = try await Self.bench()
        var submission = Submission(1, steps: 100)
        let daemon = try await bench.start(failPoints: "\(point):sync")
        _ = try await submission.send(to: daemon)
        let finished = try await Blocking.run { [process = daemon.process] in
            try process.finish(timeout: .seconds(120))
        }
        #expect(finished.end == .exited(74), "\(finished.errorText.suffix(2000))")
        let second = try await bench.start()
        #expect(try await submission.send(to: second))
        let generations = try await StoreAudit(bench: bench, submissions: [submission]).run(second)
        #expect(generations.count == 2)
    }

    @Test func `a full disk puts a request off, and a retry carries it out`() async throws {
        let bench = try await Self.bench()
        var submission = Submission(1, steps: 100)
        let daemon = try await bench.start(failPoints: "publish.after_stage:full")
        #expect(try await submission.send(to: daemon))
        let id = try #require(submission.id)
        try await Blocking.run { [lethe = bench.lethe, url = daemon.url] in
            let watch = try ChildProcess(lethe.path, ["requests", "watch", id, "--url", url])
            while try !watch.line(timeout: .seconds(60)).contains("-> retryable") {}
        }
        let request = try await daemon.get("/v1/requests/\(id)")
        #expect(request["error"]?["code"] == .string("disk_full"))
        #expect(try await daemon.get("/v1/models/tiny/generations")["data"]?.arrayValue?.count == 1)
        #expect(try await daemon.stop().end == .exited(0))
        let second = try await bench.start()
        #expect(try await second.call("POST", "/v1/requests/\(id)/retry").status == 200)
        #expect(try await second.waitForEnd(of: id)["state"] == .string("applied"))
        #expect(try await second.stop().end == .exited(0))
    }

    @Test(arguments: points("fail"))
    func `a request that fails has failed once`(point: String) async throws {
        let bench = try await Self.bench()
        // More tokens than the model has positions.
        let text = String(repeating: "Where does Ada live? ", count: 60)
        let body = JSONValue.object(
            JSONObject([
                ("category", "other"),
                ("items", .array([.object(JSONObject([("prompt", .string(text)), ("completion", "Here.")]))])),
            ]))
        let daemon = try await bench.start(failPoints: "\(point):kill")
        let answer = try await daemon.submit(body, key: "one")
        let id = try #require(try answer.json["id"]?.stringValue)
        #expect(try await Self.end(of: daemon) == .signalled(9))
        let second = try await bench.start()
        let ended = try await second.waitForEnd(of: id)
        #expect(ended["state"] == .string("failed"))
        #expect(ended["error"]?["code"] == .string("limit_exceeded"))
        let events = try await second.get("/v1/requests/\(id)/events")["data"]?.arrayValue ?? []
        #expect(events.filter { $0["to"] == .string("failed") }.count == 1)
        #expect(try await second.get("/v1/models/tiny/generations")["data"]?.arrayValue?.count == 1)
        #expect(try await second.stop().end == .exited(0))
    }

    @Test(arguments: points("strengthen"))
    func `a check that is missed and then interrupted is made again`(point: String) async throws {
        let bench = try await Self.bench()
        // Nothing passes: an item would have to be less probable than anything is.
        let policy = try bench.scratch.write(
            "policy.json", #"{"forget":{"maximum_probability":0,"target_tolerance":0},"strengthen":{"attempts":1}}"#)
        var submission = Submission(1, steps: 50)
        let daemon = try await bench.start(failPoints: "\(point):kill", arguments: ["--policy", policy.path])
        _ = try await submission.send(to: daemon)
        #expect(try await Self.end(of: daemon) == .signalled(9))
        let second = try await bench.start(arguments: ["--policy", policy.path])
        #expect(try await submission.send(to: second))
        let id = try #require(submission.id)
        let ended = try await second.waitForEnd(of: id)
        #expect(ended["state"] == .string("failed"))
        #expect(ended["error"]?["code"] == .string("gate_not_met"))
        #expect(ended["record"]?["gate"]?["passed"] == .bool(false))
        #expect(ended["record"]?["strengthened"] == .integer(1))
        #expect(try await second.get("/v1/models/tiny/generations")["data"]?.arrayValue?.count == 1)
        #expect(try await second.stop().end == .exited(0))
        // With the ordinary policy the same request is carried out.
        let third = try await bench.start()
        #expect(try await third.call("POST", "/v1/requests/\(id)/retry").status == 200)
        let generations = try await third.waitForEnd(of: id)
        #expect(generations["state"] == .string("applied"))
        #expect(try await third.stop().end == .exited(0))
    }

    @Test(arguments: points("rollback"))
    func `a rollback happens or does not`(point: String) async throws {
        let bench = try await Self.bench()
        var submission = Submission(1, steps: 100)
        let first = try await bench.start()
        #expect(try await submission.send(to: first))
        let id = try #require(submission.id)
        #expect(try await first.waitForEnd(of: id)["state"] == .string("applied"))
        first.process.kill()
        let daemon = try await bench.start(failPoints: "\(point):kill")
        let body = Data(#"{"generation":0}"#.utf8)
        await #expect(throws: LetheError.self) { try await daemon.call("POST", "/v1/models/tiny/rollback", body: body) }
        #expect(try await Self.end(of: daemon) == .signalled(9))
        let second = try await bench.start()
        let isDone = point == "rollback.after_commit"
        let head = try await second.get("/v1/models")["data"]?.arrayValue?.first?["head"]
        #expect(head?["number"] == .integer(isDone ? 0 : 1))
        let request = try await second.get("/v1/requests/\(id)")
        #expect(request["state"] == .string(isDone ? "failed" : "applied"))
        #expect(try await second.stop().end == .exited(0))
        let doctor = try await bench.lethe.run(["doctor", "--data-dir", bench.store.path])
        #expect(doctor.end == .exited(0), "\(doctor.outputText)")
    }

    @Test(arguments: points("key_created", "key_revoked"))
    func `an API key is made and revoked, or is not`(point: String) async throws {
        let bench = try await Self.bench()
        let store = ["--data-dir", bench.store.path]
        let create = ["keys", "create", "--name", "test", "--role", "admin"] + store
        func keys() async throws -> [JSONValue] {
            let listed = try await bench.lethe.run(["keys", "list", "--json"] + store)
            #expect(listed.end == .exited(0), "\(listed.errorText)")
            return try listed.json["data"]?.arrayValue ?? []
        }
        var died: [String] = create
        if point.hasPrefix("key_revoked") {
            #expect(try await bench.lethe.run(create).end == .exited(0))
            let id = try #require(try await keys().first?["id"]?.stringValue)
            died = ["keys", "revoke", id] + store
        }
        let finished = try await bench.lethe.run(died, environment: ["LETHE_FAILPOINT": "\(point):kill"])
        #expect(finished.end == .signalled(9))
        let found = try await keys()
        switch point {
        case "key_created.before_commit": #expect(found.isEmpty)
        case "key_revoked.before_commit": #expect(found.map { $0["revoked_at"] } == [.null])
        case "key_revoked.after_commit": #expect(found.first?["revoked_at"]?.stringValue != nil)
        default: #expect(found.count == 1)
        }
        // The audit log tells the same.
        let tail = try await bench.lethe.run(["audit", "tail", "--json"] + store)
        let actions = tail.outputText
        #expect(actions.contains("key_created") == (point != "key_created.before_commit"))
        #expect(actions.contains("key_revoked") == (point == "key_revoked.after_commit"))
        let verified = try await bench.lethe.run(["audit", "verify"] + store)
        #expect(verified.end == .exited(0), "\(verified.errorText)")
    }

    // MARK: - Parts

    private static func bench() async throws -> CrashBench {
        let bench = try CrashBench()
        try #require(try await bench.importModel().end == .exited(0))
        return bench
    }

    /// Starts a daemon with a fail point, submits, and waits until the daemon has killed itself.
    private static func die(_ bench: CrashBench, _ failPoints: String, submitting submission: inout Submission)
        async throws
    {
        let daemon = try await bench.start(failPoints: failPoints)
        _ = try await submission.send(to: daemon)
        #expect(try await end(of: daemon) == .signalled(9), "\(failPoints)")
    }

    /// How the daemon ends by itself.
    private static func end(of daemon: DaemonProcess) async throws -> Finished.End {
        try await Blocking.run { [process = daemon.process] in try process.finish(timeout: .seconds(120)).end }
    }

    /// Follows a request until its update has taken steps.
    private static func waitForProgress(_ bench: CrashBench, _ daemon: DaemonProcess, _ submission: Submission)
        async throws
    {
        let id = try #require(submission.id)
        try await Blocking.run { [lethe = bench.lethe, url = daemon.url] in
            let watch = try ChildProcess(lethe.path, ["requests", "watch", id, "--url", url])
            while try !watch.line(timeout: .seconds(60)).contains(" progress ") {}
        }
    }
}
