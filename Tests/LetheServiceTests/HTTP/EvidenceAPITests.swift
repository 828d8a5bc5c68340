import Foundation
import HTTPTypes
import LetheCore
import LetheService
import LetheStore
import Testing

@Suite(.timeLimit(.minutes(1)))
struct EvidenceAPITests {
    @Test func `a certificate is there once the request is applied`() async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let id = try await api.submitted()
            let early = try await api.get("/v1/requests/\(id)/certificate")
            #expect(early.status == 404 && early.code == "certificate_not_issued")
            #expect(early.json?["state"] == "queued")
            let claimed = try #require(try await bench.database.claimNext())
            try await bench.database.completeWithoutChange(claimed.claim, head: 0, record: ["steps": 0])

            let answer = try await api.get("/v1/requests/\(id)/certificate")
            #expect(answer.status == 200)
            #expect(answer.headers[.contentType] == "application/vnd.in-toto+dsse")
            #expect(answer.headers[HTTPField.Name("Content-Digest")!]?.hasPrefix("sha-256=:") == true)
            let keys = try await api.get("/v1/signing-keys")
            let read = try VerificationKey.read(keys.body)
            #expect(try Certificate(answer.body, keys: read).requestID.rawValue == id)
            #expect(keys.json?["keys"]?.arrayValue?.first?["current"] == true)

            let tag = try #require(answer.headers[.eTag])
            let again = try await api.get("/v1/requests/\(id)/certificate", headers: [.ifNoneMatch: tag])
            #expect(again.status == 304 && again.body.isEmpty)
            let schemas = SchemaChecker(document: OpenAPIDocument.json())
            #expect(schemas.problems(try #require(answer.json), schema: "SignedEnvelope").isEmpty)
            #expect(schemas.problems(try #require(keys.json), schema: "SigningKeys").isEmpty)
            #expect(schemas.problems(try #require(early.json), schema: "Problem").isEmpty)
        }
    }

    @Test func `what does not exist has no certificate`() async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let id = "req_" + String(repeating: "0", count: 12) + "7000" + "8" + String(repeating: "0", count: 15)
            for path in [id, "x", "%2e%2e"] {
                let answer = try await api.get("/v1/requests/\(path)/certificate")
                #expect(answer.status == 404)
            }
            let keys = try await api.get("/v1/signing-keys?x=1")
            #expect(keys.status == 400)
        }
    }

    @Test func `the audit log's head is signed and names the caller`() async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let id = try await api.submitted()
            _ = try await api.post("/v1/requests/\(id)/cancel")
            let answer = try await api.get("/v1/audit/head")
            #expect(answer.status == 200)
            let envelope = try SignedEnvelope(answer.body)
            try envelope.verify(try VerificationKey.read(try await api.get("/v1/signing-keys").body))
            let head = try JSONParser.parse(envelope.payload, context: "head")
            let last = try await bench.database.auditTail(2)
            #expect(head["sequence"] == last.last?["sequence"])
            #expect(last.map { $0["actor"] } == ["api", "api"])
            #expect(try await bench.database.verifyAudit().signedEntries == 5)
        }
    }
}
