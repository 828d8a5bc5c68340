import Foundation
import LetheCore
import LetheStore
import Testing

@Suite struct LifecycleTests {
    @Test func `claims go by priority then deadline then age`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        func due(_ seconds: Double) -> Date { store.clock.now().addingTimeInterval(seconds) }
        let plan: [(name: String, priority: Int, due: Date?)] = [
            ("old", 0, nil), ("young", 0, nil), ("late deadline", 0, due(900)), ("early deadline", 0, due(100)),
            ("low", -5, due(1)), ("high", 5, nil),
        ]
        for entry in plan {
            try await store.submit(StoreFixture.request(entry.name, priority: entry.priority, dueAt: entry.due))
            store.clock.advance(1)
        }
        var order: [String] = []
        while let claimed = try await store.database.claimNext() {
            guard case .text(let name) = claimed.request.items[0] else { continue }
            order.append(name)
        }
        #expect(order == ["high", "early deadline", "late deadline", "old", "young", "low"])
    }

    @Test func `every claim has a larger fence and counts an attempt`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        try await store.submit()
        var last: Int64 = 0
        for attempt in 1...3 {
            let claimed = try await store.claim()
            #expect(claimed.attempt == attempt)
            #expect(claimed.claim.fence > last)
            #expect(claimed.head.number == 0)
            #expect(claimed.nextGeneration == 1)
            last = claimed.claim.fence
            try await store.database.release(claimed.claim)
        }
        #expect(try await store.database.takeFence() > last)
        let first = try await store.claim()
        #expect(try await store.database.claimNext() == nil)
        #expect(try await store.database.request(first.claim.id).state == .running)
    }

    @Test func `a claim of one model passes over the others`() async throws {
        let store = try StoreFixture()
        try await store.registerModel("one")
        try await store.registerModel("two")
        try await store.submit(StoreFixture.request(priority: 9, model: "one"))
        let two = try await store.submit(StoreFixture.request(model: "two"))
        #expect(try await store.database.claimNext(model: "two")?.claim.id == two.id)
        #expect(try await store.database.claimNext(model: "two") == nil)
        #expect(try await store.database.claimNext(model: "three") == nil)
    }

    @Test func `two workers never get the same request`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        for _ in 0..<20 { try await store.submit() }
        let database = store.database!
        let claims = try await withThrowingTaskGroup(of: [Claim].self) { group in
            for _ in 0..<4 {
                group.addTask {
                    var claims: [Claim] = []
                    while let claimed = try await database.claimNext() { claims.append(claimed.claim) }
                    return claims
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(claims.count == 20)
        #expect(Set(claims.map(\.id)).count == 20)
        #expect(Set(claims.map(\.fence)).count == 20)
    }

    @Test func `the whole way to applied leaves one event for each step`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        let row = try await store.submit()
        let (claimed, generation) = try await store.applyNext()
        #expect(claimed.claim.id == row.id)
        #expect(generation.number == 1)
        #expect(generation.parent == 0)
        #expect(generation.isHead)
        #expect(generation.requestIDs == [row.id])
        let applied = try await store.database.request(row.id)
        #expect(applied.state == .applied)
        #expect(applied.generation == 1)
        #expect(applied.changed == true)
        #expect(applied.finalizedAt == store.clock.now())
        #expect(applied.record?["loss"]?.doubleValue == 3.5)
        let events = try await store.database.events(row.id)
        #expect(events.map(\.kind) == ["submitted", "claim", "begin_verification", "publish"])
        #expect(events.map(\.from) == [nil, .queued, .running, .verifying])
        #expect(events.map(\.to) == [.queued, .running, .verifying, .applied])
        #expect(events.last?.detail?["generation"]?.intValue == 1)
        #expect(applied.revision == 4)
    }

    @Test func `an already forgotten request is applied without a generation`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        let row = try await store.submit()
        let claimed = try await store.claim()
        try await store.database.completeWithoutChange(claimed.claim, head: 0, record: .object(JSONObject()))
        let applied = try await store.database.request(row.id)
        #expect(applied.state == .applied)
        #expect(applied.generation == 0)
        #expect(applied.changed == false)
        #expect(try await store.database.generations("tiny").map(\.number) == [0])
        #expect(try await store.database.head("tiny").requestIDs.isEmpty)
    }

    @Test func `an already forgotten verdict about another head is refused`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        try await store.submit()
        try await store.submit()
        let slow = try await store.claim()
        try await store.applyNext()
        let code = await errorCode {
            try await store.database.completeWithoutChange(slow.claim, head: 0, record: .null)
        }
        #expect(code == .conflict)
        #expect(try await store.database.request(slow.claim.id).state == .running)
    }

    @Test func `an old fence can change nothing`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        let row = try await store.submit()
        let zombie = try await store.claim()
        try await store.database.markVerifying(zombie.claim)
        let published = try store.publish(zombie)
        // The worker is rescued behind its back and another attempt begins.
        try await store.database.release(zombie.claim)
        let current = try await store.claim()
        #expect(current.claim.id == row.id)
        let database = store.database!
        let before = try await database.request(row.id)
        let progress = ProgressUpdate(phase: "training", step: 1, total: 2)
        #expect(await errorCode { try await database.progress(zombie.claim, progress) } == .conflict)
        #expect(await errorCode { try await database.checkClaim(zombie.claim) } == .conflict)
        #expect(await errorCode { try await database.markVerifying(zombie.claim) } == .conflict)
        #expect(await errorCode { try await database.fail(zombie.claim, code: "x", message: "") } == .conflict)
        #expect(await errorCode { try await database.release(zombie.claim) } == .conflict)
        #expect(
            await errorCode {
                try await database.scheduleRetry(zombie.claim, at: .distantFuture, code: "x", message: "")
            } == .conflict)
        #expect(
            await errorCode { try await database.completeWithoutChange(zombie.claim, head: 0, record: .null) }
                == .conflict)
        try await database.markVerifying(current.claim)
        #expect(
            await errorCode {
                try await database.complete(
                    [Completion(claim: zombie.claim, record: .null)], generation: published)
            } == .conflict)
        #expect(try await database.head("tiny").number == 0)
        #expect(try await database.generations("tiny").count == 1)
        #expect(try await database.request(row.id).revision == before.revision + 1)
    }

    @Test func `a cancelled worker learns it and cannot publish`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        let row = try await store.submit()
        let claimed = try await store.claim()
        try await store.database.markVerifying(claimed.claim)
        let published = try store.publish(claimed)
        let cancelled = try await store.database.cancel(row.id)
        #expect(cancelled.state == .cancelled)
        #expect(await errorCode { try await store.database.checkClaim(claimed.claim) } == .invalidState)
        let code = await errorCode {
            try await store.database.complete(
                [Completion(claim: claimed.claim, record: .null)], generation: published)
        }
        #expect(code == .invalidState)
        #expect(try await store.database.head("tiny").number == 0)
        #expect(
            try store.generations.collect("tiny", keeping: [try await store.database.head("tiny").folder])
                == [published.folder])
    }

    @Test func `progress is an event and does not change the row`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        let row = try await store.submit()
        let claimed = try await store.claim()
        let before = try await store.database.request(row.id)
        try await store.database.progress(
            claimed.claim, ProgressUpdate(phase: "training", step: 2, total: 9, values: [("loss", 1.5)]))
        #expect(try await store.database.request(row.id).json == before.json)
        let event = try await store.database.events(row.id).last
        #expect(event?.kind == "progress")
        #expect(event?.detail?["phase"]?.stringValue == "training")
        #expect(event?.detail?["step"]?.intValue == 2)
        #expect(event?.detail?["loss"]?.doubleValue == 1.5)
        #expect(event?.from == nil && event?.to == nil)
    }

    @Test func `progress takes names only`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        try await store.submit()
        let claimed = try await store.claim()
        for phase in ["", "Name: A. Example", String(repeating: "a", count: 33)] {
            let code = await errorCode {
                try await store.database.progress(claimed.claim, ProgressUpdate(phase: phase, step: 1, total: 1))
            }
            #expect(code == .usage)
        }
    }

    @Test func `a retryable request comes back when its time has come`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        let row = try await store.submit()
        let claimed = try await store.claim()
        let due = store.clock.now().addingTimeInterval(60)
        try await store.database.scheduleRetry(claimed.claim, at: due, code: "disk_full", message: "no space")
        let waiting = try await store.database.request(row.id)
        #expect(waiting.state == .retryable)
        #expect(waiting.retryAt == due)
        #expect(waiting.errorCode == "disk_full")
        #expect(try await store.database.nextRetry() == due)
        #expect(try await store.database.claimNext() == nil)
        store.clock.advance(59)
        #expect(try await store.database.claimNext() == nil)
        store.clock.advance(1)
        let again = try await store.claim()
        #expect(again.claim.id == row.id)
        #expect(again.attempt == 2)
        let running = try await store.database.request(row.id)
        #expect(running.retryAt == nil)
        #expect(running.errorCode == "disk_full")
        #expect(
            try await store.database.events(row.id).map(\.kind) == [
                "submitted", "claim", "defer_retry", "requeue", "claim",
            ])
    }

    @Test func `a failed request can be retried while its text is kept`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        let row = try await store.submit()
        let claimed = try await store.claim()
        try await store.database.fail(claimed.claim, code: "gate_not_met", message: "utility fell")
        let failed = try await store.database.request(row.id)
        #expect(failed.state == .failed)
        #expect(failed.finalizedAt != nil)
        #expect(failed.json["error"]?["code"]?.stringValue == "gate_not_met")
        let queued = try await store.database.retry(row.id)
        #expect(queued.state == .queued)
        #expect(queued.finalizedAt == nil)
        let again = try await store.claim()
        try await store.database.fail(again.claim, code: "gate_not_met", message: "utility fell")
        try await store.database.destroyPayload(row.id)
        #expect(await errorCode { _ = try await store.database.retry(row.id) } == .invalidState)
    }

    @Test func `verbs refuse the states that do not allow them`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        let database = store.database!
        let row = try await store.submit()
        let stranger = Claim(id: row.id, fence: 99)
        #expect(await errorCode { _ = try await database.retry(row.id) } == .invalidState)
        #expect(await errorCode { try await database.markVerifying(stranger) } == .invalidState)
        #expect(await errorCode { try await database.fail(stranger, code: "x", message: "") } == .invalidState)
        #expect(await errorCode { try await database.destroyPayload(row.id) } == .invalidState)
        try await store.applyNext()
        #expect(await errorCode { _ = try await database.cancel(row.id) } == .invalidState)
        #expect(await errorCode { _ = try await database.retry(row.id) } == .invalidState)

        let other = try await store.submit()
        _ = try await database.cancel(other.id)
        #expect(await errorCode { _ = try await database.cancel(other.id) } == .invalidState)
        #expect(await errorCode { _ = try await database.retry(other.id) } == .invalidState)

        let third = try await store.submit()
        let claimed = try await store.claim()
        #expect(claimed.claim.id == third.id)
        // Publication needs `verifying`.
        let published = try store.publish(claimed)
        let code = await errorCode {
            try await database.complete([Completion(claim: claimed.claim, record: .null)], generation: published)
        }
        #expect(code == .invalidState)
        try await database.markVerifying(claimed.claim)
        #expect(
            await errorCode { try await database.completeWithoutChange(claimed.claim, head: 1, record: .null) }
                == .invalidState)

        let unknown = RequestID(UUIDv7(milliseconds: 1, counter: 1, random: 1))
        #expect(await errorCode { _ = try await database.request(unknown) } == .notFound)
        #expect(await errorCode { _ = try await database.cancel(unknown) } == .notFound)
        #expect(await errorCode { _ = try await database.retry(unknown) } == .notFound)
        #expect(await errorCode { _ = try await database.events(unknown) } == .notFound)
        #expect(await errorCode { _ = try await database.requestText(unknown) } == .notFound)
        #expect(await errorCode { try await database.destroyPayload(unknown) } == .notFound)
    }

    @Test func `a change on the condition of a revision is refused when the row has changed`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        let row = try await store.submit()
        let claimed = try await store.claim()
        try await store.database.release(claimed.claim)
        let code = await errorCode { _ = try await store.database.cancel(row.id, ifRevision: row.revision) }
        #expect(code == .preconditionFailed)
        let current = try await store.database.request(row.id)
        #expect(try await store.database.cancel(row.id, ifRevision: current.revision).state == .cancelled)
    }

    @Test func `a restart takes back what was held and only that`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        for _ in 0..<3 { try await store.submit() }
        let running = try await store.claim()
        let verifying = try await store.claim()
        try await store.database.markVerifying(verifying.claim)
        #expect(try await store.database.rescueOrphans().isEmpty)

        try store.reopen()
        let rescued = try await store.database.rescueOrphans()
        #expect(Set(rescued) == [running.claim.id, verifying.claim.id])
        #expect(try await store.database.rescueOrphans().isEmpty)
        for id in rescued {
            let row = try await store.database.request(id)
            #expect(row.state == .queued)
            #expect(row.attempt == 1)
            #expect(try await store.database.events(id).last?.kind == "rescue")
        }
        #expect(await errorCode { try await store.database.checkClaim(running.claim) } == .invalidState)
    }

    @Test func `a request that ends the program every time is given up`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        let row = try await store.submit()
        for _ in 0..<3 {
            _ = try await store.claim()
            try store.reopen()
            try await store.database.rescueOrphans(maximumAttempts: 3)
        }
        let failed = try await store.database.request(row.id)
        #expect(failed.state == .failed)
        #expect(failed.errorCode == "attempts_exhausted")
    }

    @Test(.timeLimit(.minutes(2))) func `events announce themselves`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        let announcements = store.database.eventAnnouncements()
        let row = try await store.submit()
        var iterator = announcements.makeAsyncIterator()
        let sequence = await iterator.next()
        #expect(try await store.database.events(row.id).last?.sequence == sequence)
        try store.close()
        #expect(await iterator.next() == nil)
    }

    @Test func `statistics count states and deadlines`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        let due = store.clock.now().addingTimeInterval(500)
        try await store.submit(StoreFixture.request(dueAt: due))
        try await store.submit(StoreFixture.request(dueAt: due.addingTimeInterval(5)))
        let first = store.clock.now()
        store.clock.advance(10)
        let last = try await store.submit()
        _ = try await store.database.cancel(last.id)
        var statistics = try await store.database.statistics()
        #expect(statistics.counts[.init(state: .queued, kind: .erase)] == 2)
        #expect(statistics.counts[.init(state: .cancelled, kind: .erase)] == 1)
        #expect(statistics.earliestDue == [.erase: due])
        #expect(abs(statistics.oldestQueued!.timeIntervalSince(first)) < 0.01)
        #expect(statistics.logBytes > 0)
        #expect(statistics.availableBytes > 0)
        try await store.applyNext()
        statistics = try await store.database.statistics()
        #expect(statistics.counts[.init(state: .applied, kind: .erase)] == 1)
        #expect(statistics.counts[.init(state: .running, kind: .erase)] == nil)
        #expect(statistics.earliestDue == [.erase: due.addingTimeInterval(5)])
        #expect(statistics.awaitingPurge == 1)
    }
}
