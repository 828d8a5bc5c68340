import Foundation
import LetheCore
import LetheStore
import Testing

/// Models, heads, rollback and purging in the database and on disk together.
@Suite struct GenerationTests {
    @Test func `a model is registered once with its import as head`() async throws {
        let store = try StoreFixture()
        let model = try await store.registerModel("tiny")
        #expect(model.head.number == 0)
        #expect(model.head.parent == nil)
        #expect(model.head.isHead)
        #expect(model.keptGenerations == 1)
        #expect(try await store.database.models() == [model])
        #expect(try await store.database.model("tiny") == model)
        #expect(await errorCode { _ = try await store.registerModel("tiny") } == .conflict)
        #expect(await errorCode { _ = try await store.database.model("other") } == .notFound)
        #expect(await errorCode { _ = try await store.database.head("other") } == .notFound)
        #expect(await errorCode { _ = try await store.database.generations("other") } == .notFound)
    }

    @Test func `each generation builds on the one before and shares its files`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        for _ in 0..<3 { try await store.submit() }
        for number in 1...3 { #expect(try await store.applyNext().generation.number == number) }
        let generations = try await store.database.generations("tiny")
        #expect(generations.map(\.number) == [0, 1, 2, 3])
        #expect(generations.map(\.parent) == [nil, 0, 1, 2])
        #expect(generations.map(\.isHead) == [false, false, false, true])
        #expect(generations.map { $0.supersededAt == nil } == [false, false, false, true])
        for generation in generations { try store.generations.verify("tiny", generation, depth: .contents) }
        func inode(_ number: Int, _ file: String) throws -> UInt64 {
            let path = store.generations.url("tiny", generations[number]).appendingPathComponent(file).path
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            return try #require(attributes[.systemFileNumber] as? NSNumber).uint64Value
        }
        #expect(try inode(0, "model-0.safetensors") == inode(3, "model-0.safetensors"))
        #expect(try inode(0, "config.json") == inode(3, "config.json"))
        #expect(try inode(2, "model-1.safetensors") != inode(3, "model-1.safetensors"))
    }

    @Test func `a head that has moved refuses a generation of the old one`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        try await store.submit()
        try await store.submit()
        let slow = try await store.claim()
        try await store.database.markVerifying(slow.claim)
        let published = try store.publish(slow)
        try await store.applyNext()
        let code = await errorCode {
            try await store.database.complete([Completion(claim: slow.claim, record: .null)], generation: published)
        }
        #expect(code == .conflict)
        #expect(try await store.database.head("tiny").number == 1)
        #expect(try await store.database.request(slow.claim.id).state == .verifying)
    }

    @Test func `a head that was rolled back refuses a generation of the one that was left`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        for _ in 0..<3 { try await store.submit() }
        try await store.applyNext()
        try await store.applyNext()
        let slow = try await store.claim()
        try await store.database.markVerifying(slow.claim)
        let published = try store.publish(slow)
        try await store.database.rollback("tiny", to: 1)
        // Its number is still the next one; its parent is not the head.
        let code = await errorCode {
            try await store.database.complete([Completion(claim: slow.claim, record: .null)], generation: published)
        }
        #expect(code == .conflict)
        #expect(try await store.database.head("tiny").number == 1)
    }

    @Test func `several requests are applied by one generation or none`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        try await store.submit()
        try await store.submit()
        let first = try await store.claim()
        let second = try await store.claim()
        for claimed in [first, second] { try await store.database.markVerifying(claimed.claim) }
        let completions = [first, second].map { Completion(claim: $0.claim, record: .null) }
        let published = try store.publish(first)
        let stale = Completion(claim: Claim(id: second.claim.id, fence: second.claim.fence + 1), record: .null)
        let code = await errorCode {
            try await store.database.complete([completions[0], stale], generation: published)
        }
        #expect(code == .conflict)
        #expect(try await store.database.request(first.claim.id).state == .verifying)
        #expect(try await store.database.head("tiny").number == 0)
        let generation = try await store.database.complete(completions, generation: published)
        #expect(generation.requestIDs == [first.claim.id, second.claim.id].sorted())
        #expect(await errorCode { try await store.database.complete([], generation: published) } == .usage)
    }

    @Test func `a request for another model cannot ride along`() async throws {
        let store = try StoreFixture()
        try await store.registerModel("one")
        try await store.registerModel("two")
        try await store.submit(StoreFixture.request(model: "one"))
        try await store.submit(StoreFixture.request(model: "two"))
        let one = try await store.claim()
        let two = try await store.claim()
        for claimed in [one, two] { try await store.database.markVerifying(claimed.claim) }
        let published = try store.publish(one)
        let code = await errorCode {
            try await store.database.complete(
                [one, two].map { Completion(claim: $0.claim, record: .null) }, generation: published)
        }
        #expect(code == .usage)
        #expect(try await store.database.head("one").number == 0)
    }

    @Test func `a rollback serves the earlier generation and takes later requests out of effect`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        var ids: [RequestID] = []
        for _ in 0..<3 {
            try await store.submit()
            ids.append(try await store.applyNext().claimed.claim.id)
        }
        try await store.submit()
        let skipped = try await store.claim()
        try await store.database.completeWithoutChange(skipped.claim, head: 3, record: .null)

        let (head, reverted) = try await store.database.rollback("tiny", to: 1, expectedHead: 3)
        #expect(head.number == 1)
        #expect(head.isHead)
        #expect(Set(reverted) == [ids[1], ids[2], skipped.claim.id])
        #expect(try await store.database.request(ids[0]).state == .applied)
        for id in reverted {
            let row = try await store.database.request(id)
            #expect(row.state == .failed)
            #expect(row.errorCode == "rolled_back")
            #expect(row.generation == nil)
        }
        // The next request builds on generation 1 and gets a number that was never used.
        _ = try await store.database.retry(ids[1])
        let (claimed, generation) = try await store.applyNext()
        #expect(claimed.head.number == 1)
        #expect(generation.number == 4)
        #expect(generation.parent == 1)
        // Generations 2 and 3 are no ancestors of the head.
        #expect(await errorCode { try await store.database.rollback("tiny", to: 2) } == .invalidState)
    }

    @Test func `impossible rollbacks change nothing`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        try await store.submit()
        try await store.applyNext()
        let database = store.database!
        #expect(await errorCode { try await database.rollback("tiny", to: 1) } == .invalidState)
        #expect(await errorCode { try await database.rollback("tiny", to: 7) } == .notFound)
        #expect(await errorCode { try await database.rollback("other", to: 0) } == .notFound)
        #expect(await errorCode { try await database.rollback("tiny", to: 0, expectedHead: 0) } == .conflict)
        _ = try await database.beginPurge("tiny", number: 0)
        #expect(await errorCode { try await database.rollback("tiny", to: 0) } == .invalidState)
        #expect(try await database.head("tiny").number == 1)
    }

    @Test func `requests are purged when the last older generation is gone`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        var ids: [RequestID] = []
        for _ in 0..<2 {
            try await store.submit()
            ids.append(try await store.applyNext().claimed.claim.id)
        }
        let recovery = StoreRecovery(
            database: store.database, generations: store.generations, failPoints: FailPoints())
        #expect(try await store.database.generationsHolding(ids[0]).map(\.number) == [0])
        #expect(try await store.database.generationsHolding(ids[1]).map(\.number) == [0, 1])
        // Generation 1 holds only the second request's content.
        #expect(try await recovery.purge("tiny", number: 1).isEmpty)
        #expect(try await store.database.request(ids[1]).state == .applied)
        #expect(Set(try await recovery.purge("tiny", number: 0)) == Set(ids))
        for id in ids {
            let row = try await store.database.request(id)
            #expect(row.state == .purged)
            #expect(row.purgedAt != nil)
            #expect(row.generation != nil)
            #expect(try await store.database.generationsHolding(id).isEmpty)
        }
        let generations = try await store.database.generations("tiny")
        #expect(generations.map(\.state) == [.purged, .purged, .kept])
        let folders = try FileManager.default.contentsOfDirectory(
            atPath: store.generations.url("tiny", folder: ".").path)
        #expect(folders == [generations[2].folder])
        // The head still has every file, those it shared included.
        try store.generations.verify("tiny", generations[2], depth: .contents)
        #expect(await errorCode { _ = try await recovery.purge("tiny", number: 2) } == .invalidState)
        #expect(await errorCode { _ = try await recovery.purge("tiny", number: 0) } == .invalidState)
        #expect(await errorCode { _ = try await recovery.purge("tiny", number: 9) } == .notFound)
    }

    @Test func `an abandoned branch still holds the content`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        for _ in 0..<2 {
            try await store.submit()
            try await store.applyNext()
        }
        try await store.database.rollback("tiny", to: 0)
        let row = try await store.submit()
        try await store.applyNext()
        // Generations 1 and 2 were left behind; they do not descend from generation 3.
        #expect(try await store.database.generationsHolding(row.id).map(\.number) == [0, 1, 2])
        let recovery = StoreRecovery(
            database: store.database, generations: store.generations, failPoints: FailPoints())
        #expect(try await recovery.purge("tiny", number: 0).isEmpty)
        #expect(try await recovery.purge("tiny", number: 1).isEmpty)
        #expect(try await recovery.purge("tiny", number: 2) == [row.id])
    }

    @Test func `purge candidates are old and not the head`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        for _ in 0..<3 {
            try await store.submit()
            try await store.applyNext()
            store.clock.advance(100)
        }
        let database = store.database!
        let now = store.clock.now()
        #expect(try await database.purgeCandidates("tiny", supersededBefore: now).map(\.number) == [0, 1, 2])
        #expect(
            try await database.purgeCandidates("tiny", supersededBefore: now.addingTimeInterval(-150)).map(\.number)
                == [0, 1])
        #expect(try await database.purgeCandidates("tiny", supersededBefore: now, keeping: 2).map(\.number) == [0])
        #expect(try await database.purgeCandidates("tiny", supersededBefore: now, keeping: 9).isEmpty)
    }

    @Test func `memory is stored with the request and leaves with a rollback`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        var ids: [RequestID] = []
        for index in 0..<3 {
            try await store.submit()
            let memory = try MemoryChunks(
                space: "encoder", dimension: 4, vectors: (0..<4 * (index + 1)).map { Float($0) + Float(index) / 8 })
            ids.append(try await store.applyNext(memory: memory).claimed.claim.id)
        }
        #expect(try await store.database.memory("tiny", space: "other").count == 0)
        try store.reopen()
        let all = try await store.database.memory("tiny", space: "encoder")
        #expect(all.dimension == 4)
        #expect(all.count == 6)
        #expect(all.entries.map(\.requestID) == ids)
        #expect(all.entries.map(\.range) == [0..<1, 1..<3, 3..<6])
        #expect(Array(all.vectors[4..<12]) == (0..<8).map { Float($0) + 0.125 })
        try await store.database.rollback("tiny", to: 1)
        let rest = try await store.database.memory("tiny", space: "encoder")
        #expect(rest.entries.map(\.requestID) == [ids[0]])
        #expect(await errorCode { _ = try await store.database.memory("other", space: "encoder") } == .notFound)
    }

    @Test func `memory of another dimension is refused`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        try await store.submit()
        try await store.applyNext(memory: MemoryChunks(space: "encoder", dimension: 2, vectors: [1, 2]))
        try await store.submit()
        let code = await errorCode {
            try await store.applyNext(memory: MemoryChunks(space: "encoder", dimension: 3, vectors: [1, 2, 3]))
        }
        #expect(code == .usage)
        #expect(try await store.database.head("tiny").number == 1)
        #expect(throws: LetheError.self) { try MemoryChunks(space: "e", dimension: 2, vectors: [1, 2, 3]) }
        #expect(throws: LetheError.self) { try MemoryChunks(space: "e", dimension: 0, vectors: [1]) }
        #expect(throws: LetheError.self) { try MemoryChunks(space: "e", dimension: 1, vectors: []) }
        #expect(throws: LetheError.self) { try MemoryChunks(space: "", dimension: 1, vectors: [1]) }
        #expect(throws: LetheError.self) { try MemoryChunks(space: "e", dimension: 1, vectors: [.nan]) }
    }
}
