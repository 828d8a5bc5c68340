import Foundation
import HTTPTypes
import LetheCore
import LetheStore
import Testing

@Suite(.timeLimit(.minutes(1)))
struct ModelsAPITests {
    /// Applies one request of the bench's model, so that it has a second generation.
    private static func publish(_ bench: ServiceBench) async throws -> RequestID {
        let claimed = try #require(try await bench.database.claimNext())
        try await bench.database.markVerifying(claimed.claim)
        _ = try await bench.database.complete(
            [Completion(claim: claimed.claim, record: ["steps": 3])],
            generation: PublishedGeneration(
                model: claimed.model, number: claimed.nextGeneration, folder: "\(claimed.nextGeneration)-abcdefabcdef",
                manifestDigest: Data(repeating: 9, count: 32), parentNumber: claimed.head.number,
                parentDigest: claimed.head.manifestDigest, byteCount: 1000))
        return claimed.claim.id
    }

    @Test func `models and generations are listed`() async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let id = try await api.submitted()
            _ = try await Self.publish(bench)
            let models = try await api.get("/v1/models").json?["data"]?.arrayValue
            #expect(models?.count == 1)
            #expect(models?.first?["name"] == "tiny")
            #expect(models?.first?["head"]?["number"] == 1)
            let generations = try await api.get("/v1/models/tiny/generations").json?["data"]?.arrayValue
            #expect(generations?.count == 2)
            #expect(generations?.last?["request_ids"] == [.string(id)])
            #expect(generations?.last?["is_head"] == true)
        }
    }

    @Test func `a rollback moves the head and takes requests out of effect`() async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let id = try await api.submitted()
            _ = try await Self.publish(bench)
            let answer = try await api.post("/v1/models/tiny/rollback", #"{"generation":0}"#)
            #expect(answer.status == 200)
            #expect(answer.json?["head"]?["number"] == 0)
            #expect(bench.models.moved == ["tiny"])
            #expect(try await api.get("/v1/requests/\(id)").json?["state"] == "failed")
            let again = try await api.post("/v1/models/tiny/rollback", #"{"generation":0}"#)
            #expect(again.status == 409)
            #expect(bench.models.moved == ["tiny"])
            #expect(try await api.post("/v1/models/tiny/rollback", #"{"generation":99}"#).status == 404)
        }
    }

    @Test(arguments: ["other", "..", "%2e%2e", "A", String(repeating: "a", count: 65), "tiny%00"])
    func `a model that is not there is not found`(name: String) async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let listed = try await api.get("/v1/models/\(name)/generations")
            #expect(listed.status == 404)
            let rolledBack = try await api.post("/v1/models/\(name)/rollback", #"{"generation":0}"#)
            #expect(rolledBack.status == 404)
        }
    }
}
