import Foundation
import LetheCore
import LetheProcessSupport
import Testing

/// A disk that fails under the real daemon: system calls that return EIO or ENOSPC, and a file system that is full.
@Suite(.serialized) struct DiskFaultTests {
    private let bench: CrashBench
    private let shim: DiskShim

    init() async throws {
        bench = try CrashBench()
        shim = try await DiskShim(bench.scratch)
        try #require(try await bench.importModel().end == .exited(0))
    }

    /// Starts the daemon on a disk that fails.
    private func start(_ fault: String, while condition: URL? = nil) async throws -> DaemonProcess {
        try await DaemonProcess.start(
            bench.lethe, dataDirectory: bench.store, arguments: ["--log-level", "notice"],
            environment: shim.failing(bench.store, fault, while: condition))
    }

    private static func end(of daemon: DaemonProcess) async throws -> Finished {
        try await Blocking.run { [process = daemon.process] in try process.finish(timeout: .seconds(60)) }
    }

    // MARK: - A sync that fails

    @Test(arguments: ["fsync:lethe.sqlite-wal:EIO", "write:lethe.sqlite-wal:EIO"])
    func `a submission whose commit fails is not acknowledged, and ends the daemon`(fault: String) async throws {
        let condition = bench.scratch.path("broken")
        let daemon = try await start(fault, while: condition)
        try Data().write(to: condition)
        var submission = Submission(1, steps: 50)
        do {
            #expect(try await daemon.submit(submission.body, key: submission.key).status == 500)
        } catch let error as LetheError where error.code == .unavailable {
            // It ended before it could answer.
        }
        let finished = try await Self.end(of: daemon)
        #expect(finished.end == .exited(74), "\(finished.errorText.suffix(2000))")
        let second = try await bench.start()
        #expect(try await submission.send(to: second))
        #expect(try await StoreAudit(bench: bench, submissions: [submission]).run(second).count == 2)
    }

    // The weights, the manifest, the folder of the generation, its parent, and the log at each of the commits on the
    // way from the claim to the head.
    @Test(
        arguments: ["model-:EIO", "manifest.json:EIO", "generations:EIO", "tmp:EIO"]
            + (2...5).map { "lethe.sqlite-wal:EIO:\($0)" })
    func `a sync that fails on the way of a request ends the daemon, and the next start carries on`(fault: String)
        async throws
    {
        let daemon = try await start("fsync:\(fault)")
        var submission = Submission(1, steps: 50)
        // Where it is the submission's own commit that fails, the answer is an error.
        _ = try? await daemon.submit(submission.body, key: submission.key)
        let finished = try await Self.end(of: daemon)
        #expect(finished.end == .exited(74), "\(finished.errorText.suffix(2000))")
        let second = try await bench.start()
        #expect(try await submission.send(to: second))
        #expect(try await StoreAudit(bench: bench, submissions: [submission]).run(second).count == 2)
    }

    // MARK: - A disk that is full

    @Test func `a disk that fills up stops no read, and what was under way is carried out once there is space`()
        async throws
    {
        let condition = bench.scratch.path("full")
        let daemon = try await start("write::ENOSPC", while: condition)
        var first = Submission(1, steps: 800, items: 2)
        #expect(try await first.send(to: daemon))
        let id = try #require(first.id)
        try await Self.waitForProgress(of: id, on: daemon)
        try Data().write(to: condition)
        let second = Submission(2, steps: 50)
        let refused = try await daemon.submit(second.body, key: second.key)
        #expect(refused.status == 507)
        #expect(try refused.json["code"] == .string("disk_full"))
        #expect(refused.headers["retry-after"] != nil)
        // Its progress cannot be written, and not even that it is put off.
        try await Self.waitForLog(daemon, "waits for the store")
        #expect(try await daemon.get("/v1/requests/\(id)")["state"] == .string("running"))
        #expect(try await daemon.get("/v1/requests")["data"]?.arrayValue?.count == 1)
        #expect(try await daemon.call("GET", "/livez").status == 200)
        try FileManager.default.removeItem(at: condition)
        try await Self.waitForEvent("defer_retry", of: id, on: daemon)
        #expect(try await daemon.get("/v1/requests/\(id)")["error"]?["code"] == .string("disk_full"))
        var again = second
        #expect(try await again.send(to: daemon))
        let retried = try await daemon.call("POST", "/v1/requests/\(id)/retry").status
        #expect(retried == 200 || retried == 409)
        #expect(try await StoreAudit(bench: bench, submissions: [first, again]).run(daemon).count == 3)
    }

    @Test func `a generation that does not fit is put off, and carried out by a retry`() async throws {
        let condition = bench.scratch.path("full")
        try Data().write(to: condition)
        let daemon = try await start("write:model-:ENOSPC", while: condition)
        var submission = Submission(1, steps: 50)
        #expect(try await submission.send(to: daemon))
        let id = try #require(submission.id)
        try await Self.waitForEvent("defer_retry", of: id, on: daemon)
        let request = try await daemon.get("/v1/requests/\(id)")
        #expect(request["state"] == .string("retryable") && request["error"]?["code"] == .string("disk_full"))
        #expect(try await daemon.get("/v1/models/tiny/generations")["data"]?.arrayValue?.count == 1)
        try FileManager.default.removeItem(at: condition)
        #expect(try await daemon.call("POST", "/v1/requests/\(id)/retry").status == 200)
        #expect(try await StoreAudit(bench: bench, submissions: [submission]).run(daemon).count == 2)
    }

    @Test func `on a file system that is full reads go on, and there is service again when there is space`()
        async throws
    {
        guard try await FullDisk.isPermitted() else { return print("skipped: mounting is not permitted here") }
        let disk = try await FullDisk.start(bench.lethe, bench.scratch, megabytes: 24)
        let daemon = disk.daemon
        var submissions = [Submission(1, steps: 50)]
        #expect(try await submissions[0].send(to: daemon))
        let id = try #require(submissions[0].id)
        #expect(try await daemon.waitForEnd(of: id)["state"] == .string("applied"))
        try disk.fill()
        // What is left may do for a few more.
        var refusal: HTTPExchange.Answer?
        for number in 2..<60 where refusal == nil {
            var submission = Submission(number, steps: 50)
            let answer = try await daemon.submit(submission.body, key: submission.key)
            if answer.status == 202 {
                submission.id = try answer.json["id"]?.stringValue
                submissions.append(submission)
            } else {
                refusal = answer
            }
        }
        #expect(refusal?.status == 507)
        #expect(try refusal?.json["code"] == .string("disk_full"))
        #expect(try await daemon.get("/v1/requests/\(id)")["state"] == .string("applied"))
        #expect(try await daemon.get("/v1/requests")["data"]?.arrayValue?.count == submissions.count)
        try disk.empty()
        var late = Submission(100, steps: 50)
        #expect(try await late.send(to: daemon))
        submissions.append(late)
        for submission in submissions {
            let id = try #require(submission.id)
            // Put off while the disk was full: at once instead of later.
            _ = try await daemon.call("POST", "/v1/requests/\(id)/retry")
            #expect(try await daemon.waitForEnd(of: id)["state"] == .string("applied"))
        }
        #expect(try await daemon.stop().end == .exited(0))
    }

    // MARK: - Parts

    /// Follows a request until its update has taken steps.
    private static func waitForProgress(of id: String, on daemon: DaemonProcess) async throws {
        try await waitForEvent("progress", of: id, on: daemon)
    }

    private static func waitForEvent(_ kind: String, of id: String, on daemon: DaemonProcess) async throws {
        let patience = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < patience {
            let events = try await daemon.get("/v1/requests/\(id)/events")["data"]?.arrayValue ?? []
            if events.contains(where: { $0["kind"] == .string(kind) }) { return }
        }
        throw LetheError(.unavailable, "\(id) has no \(kind)")
    }

    private static func waitForLog(_ daemon: DaemonProcess, _ words: String) async throws {
        let patience = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < patience {
            if daemon.process.errorText.contains(words) { return }
            _ = try await daemon.call("GET", "/livez")
        }
        throw LetheError(.unavailable, "the log does not say: \(words)")
    }
}
