import Foundation
import LetheCore
import LetheProcessSupport
import Testing

/// `kill -9` of the daemon, over and over, while requests come in and updates run.
///
/// `LETHE_CRASH_ROUNDS` sets the number of kills (10), `LETHE_CRASH_SEED` the seed of the moments.
@Suite(.serialized) struct KillTests {
    private static let rounds = number("LETHE_CRASH_ROUNDS") ?? 10
    private static let seed = UInt64(clamping: number("LETHE_CRASH_SEED") ?? Int.random(in: 1...1_000_000))

    private static func number(_ name: String) -> Int? {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) }
    }

    @Test func `every acknowledged request is applied exactly once, whenever the daemon is killed`() async throws {
        print("crash seed \(Self.seed), \(Self.rounds) rounds")
        var generator = SeededGenerator(seed: Self.seed)
        let bench = try CrashBench()
        try #require(try await bench.importModel().end == .exited(0))
        var submissions: [Submission] = []
        for round in 0..<Self.rounds {
            // Every other time the daemon kills itself at a step of an update, mostly after it has applied a request
            // or two; otherwise it is killed from outside at any moment.
            let step = round % 2 == 0 ? 1 + generator.nextInt(below: 550) : nil
            let delay = Duration.milliseconds(generator.nextInt(below: 900))
            for steps in [30 + generator.nextInt(below: 200), 500, 30 + generator.nextInt(below: 200)] {
                submissions.append(Submission(submissions.count, steps: steps))
            }
            let daemon = try await bench.start(failPoints: step.map { "update.after_step:kill:\($0)" })
            try await expectAcknowledged(submissions, daemon, mayDie: true)
            let process = daemon.process
            async let ended = Blocking.run {
                let isKilledByItself =
                    try step == nil ? process.ends(within: delay) : process.ends(within: .seconds(120))
                process.kill()
                return isKilledByItself
            }
            for index in submissions.indices where submissions[index].id == nil {
                guard try await submissions[index].send(to: daemon) else { break }
            }
            #expect(try await ended == (step != nil), "round \(round): \(process.errorText.suffix(2000))")
            let end = try await Blocking.run { try process.finish(timeout: .seconds(10)).end }
            #expect(end == .signalled(9))
        }
        let daemon = try await bench.start()
        try await expectAcknowledged(submissions, daemon)
        for index in submissions.indices where submissions[index].id == nil {
            #expect(try await submissions[index].send(to: daemon))
        }
        let audit = StoreAudit(bench: bench, submissions: submissions)
        let generations = try await audit.run(daemon)
        #expect(generations.count == 1 + submissions.count)
        try await expectSameWeights(audit, generations)
    }

    /// Every request that was acknowledged is there, as far as a daemon that may die answers.
    private func expectAcknowledged(
        _ submissions: [Submission], _ daemon: DaemonProcess, mayDie: Bool = false
    ) async throws {
        for submission in submissions {
            guard let id = submission.id else { continue }
            do {
                let answer = try await daemon.call("GET", "/v1/requests/\(id)")
                #expect(answer.status == 200, "\(submission.key) is lost")
            } catch let error as LetheError where mayDie && error.code == .unavailable {
                return
            }
        }
    }

    /// The same requests in the same order without a single crash give the same weights, bit for bit.
    private func expectSameWeights(_ audit: StoreAudit, _ generations: [JSONValue]) async throws {
        let keys = Dictionary(uniqueKeysWithValues: audit.submissions.map { ($0.id ?? "", $0) })
        let order = generations.flatMap { $0["request_ids"]?.arrayValue ?? [] }.compactMap(\.stringValue)
        let calm = try CrashBench()
        try #require(try await calm.importModel().end == .exited(0))
        let daemon = try await calm.start()
        var submissions: [Submission] = []
        for id in order {
            var submission = try #require(keys[id])
            submission.id = nil
            #expect(try await submission.send(to: daemon))
            submissions.append(submission)
        }
        let calmAudit = StoreAudit(bench: calm, submissions: submissions)
        let calmGenerations = try await calmAudit.run(daemon)
        let weights = try await audit.headWeights(generations)
        #expect(weights.count == 5)
        #expect(try await calmAudit.headWeights(calmGenerations) == weights)
    }
}
