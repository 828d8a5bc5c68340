import Crypto
import Foundation
import LetheCore
import LetheStore
import Testing

/// Deletion certificates, from the commit that makes them to the check of a copy.
@Suite struct CertificateTests {
    private struct Issued {
        let store: StoreFixture
        let id: RequestID
        let key: VerificationKey
        let data: Data
        var folder: URL
    }

    private static func issue(_ text: String = "Name: A. Example") async throws -> Issued {
        let store = try StoreFixture()
        try await store.registerModel()
        let due = store.clock.now().addingTimeInterval(60)
        let id = try await store.submit(StoreFixture.request(text, reference: "case-1", dueAt: due)).id
        let generation = try await store.applyNext().generation
        let key = try #require(try await store.database.signingKeys().first?.key)
        return Issued(
            store: store, id: id, key: key, data: Data(try await store.database.certificate(id).utf8),
            folder: store.generations.url("tiny", generation))
    }

    @Test func `an applied request has a certificate of every file of its generation`() async throws {
        let issued = try await Self.issue()
        let certificate = try Certificate(issued.data, keys: [issued.key])
        #expect(certificate.requestID == issued.id)
        let names = certificate.subjects.map(\.name)
        #expect(
            names == [
                "config.json", "model-0.safetensors", "model-1.safetensors", "model-2.safetensors", "manifest.json",
            ])
        for subject in certificate.subjects {
            let content = try Data(contentsOf: issued.folder.appendingPathComponent(subject.name))
            #expect(Data(SHA256.hash(data: content)) == subject.digest)
        }
        try certificate.verify(folder: issued.folder)
        let predicate = certificate.predicate
        #expect(predicate["occasion"] == "applied" && predicate["changed"] == true && predicate["model"] == "tiny")
        #expect(predicate["request"]?["category"] == "personal" && predicate["request"]?["deadline_met"] == true)
        #expect(predicate["generation"]?["number"] == 1 && predicate["parent"]?["number"] == 0)
        #expect(predicate["update"]?["loss"] == 3.5)
        #expect(predicate["generations_holding_content"]?.arrayValue?.map { $0["number"] } == [0])
        let entry = try #require(try await issued.store.database.auditTail(1).first)
        #expect(predicate["audit"]?["sequence"] == entry["sequence"])
        #expect(entry["action"] == "publish")
    }

    @Test func `the signed bytes are those of the DSSE specification`() async throws {
        let issued = try await Self.issue()
        let json = try JSONParser.parse(issued.data, context: "envelope")
        let payload = try #require(json["payload"]?.stringValue.flatMap { Data(base64Encoded: $0) })
        let type = try #require(json["payloadType"]?.stringValue)
        #expect(type == "application/vnd.in-toto+json")
        let signature = try #require(
            json["signatures"]?.arrayValue?.first?["sig"]?.stringValue.flatMap { Data(base64Encoded: $0) })
        let message = Data("DSSEv1 28 \(type) \(payload.count) ".utf8) + payload
        let key = try Curve25519.Signing.PublicKey(rawRepresentation: issued.key.rawRepresentation)
        #expect(key.isValidSignature(signature, for: message))
        let statement = try JSONParser.parse(payload, context: "statement")
        #expect(statement["_type"] == "https://in-toto.io/Statement/v1")
    }

    @Test func `no bit of a certificate can be changed`() async throws {
        let issued = try await Self.issue()
        for index in issued.data.indices {
            for bit in [index % 8, (index + 3) % 8] {
                var changed = issued.data
                changed[index] ^= 1 << bit
                do {
                    _ = try Certificate(changed, keys: [issued.key])
                    Issue.record("bit \(bit) of byte \(index)")
                } catch let error as LetheError {
                    #expect(error.code == .verificationFailed)
                }
            }
        }
        let stranger = try VerificationKey(
            rawRepresentation: Curve25519.Signing.PrivateKey().publicKey.rawRepresentation)
        #expect(throws: LetheError.self) { try Certificate(issued.data, keys: [stranger]) }
        for cut in [0, 1, issued.data.count / 2, issued.data.count - 1] {
            #expect(throws: LetheError.self) { try Certificate(issued.data.prefix(cut), keys: [issued.key]) }
        }
    }

    @Test func `no byte of a model file can be changed, and no file added or taken away`() async throws {
        let issued = try await Self.issue()
        let certificate = try Certificate(issued.data, keys: [issued.key])
        let copy = issued.store.root.appendingPathComponent("copy")
        let manager = FileManager.default
        try manager.copyItem(at: issued.folder, to: copy)
        try certificate.verify(folder: copy)
        func code() -> LetheError.Code? {
            do {
                try certificate.verify(folder: copy)
                return nil
            } catch { return (error as? LetheError)?.code }
        }
        for subject in certificate.subjects {
            let file = copy.appendingPathComponent(subject.name)
            try manager.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
            let content = try Data(contentsOf: file)
            for index in stride(from: 0, to: content.count, by: max(1, content.count / 40)) {
                var changed = content
                changed[index] ^= 1 << (index % 8)
                try changed.write(to: file)
                #expect(code() == .verificationFailed, "\(subject.name) byte \(index)")
            }
            try (content + [0]).write(to: file)
            #expect(code() == .verificationFailed)
            try manager.removeItem(at: file)
            #expect(code() == .verificationFailed)
            try content.write(to: file)
            #expect(code() == nil)
        }
        let extra = copy.appendingPathComponent("chat_template.jinja")
        try Data("x".utf8).write(to: extra)
        #expect(code() == .verificationFailed)
    }

    @Test func `a purge issues the certificate anew`() async throws {
        let issued = try await Self.issue()
        let recovery = StoreRecovery(database: issued.store.database, generations: issued.store.generations)
        #expect(try await recovery.purge("tiny", number: 0) == [issued.id])
        let data = Data(try await issued.store.database.certificate(issued.id).utf8)
        #expect(data != issued.data)
        let certificate = try Certificate(data, keys: [issued.key])
        #expect(certificate.predicate["occasion"] == "purged")
        #expect(certificate.predicate["generations_holding_content"] == [])
        #expect(certificate.predicate["purged_at"]?.stringValue != nil)
        let digest = SHA256.hash(data: issued.data).map { String(format: "%02x", $0) }.joined()
        #expect(certificate.predicate["supersedes"]?["sha256"]?.stringValue == digest)
        #expect(certificate.subjects == (try Certificate(issued.data, keys: [issued.key])).subjects)
        try certificate.verify(folder: issued.folder)
    }

    @Test func `a request that is rolled back has none, and gets a new one`() async throws {
        let issued = try await Self.issue()
        let database = issued.store.database!
        try await database.rollback("tiny", to: 0)
        #expect(await errorCode { _ = try await database.certificate(issued.id) } == .invalidState)
        _ = try await database.retry(issued.id)
        try await issued.store.applyNext()
        let again = Data(try await database.certificate(issued.id).utf8)
        let certificate = try Certificate(again, keys: [issued.key])
        #expect(certificate.predicate["generation"]?["number"] == 2)
        // The generation that was left behind had forgotten it too, but does not descend from this one.
        #expect(certificate.predicate["generations_holding_content"]?.arrayValue?.count == 2)
        #expect(try await database.verifyAudit().certificates == 2)
    }

    @Test func `only an applied request has a certificate`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        let id = try await store.submit().id
        #expect(await errorCode { _ = try await store.database.certificate(id) } == .invalidState)
        let claimed = try await store.claim()
        #expect(await errorCode { _ = try await store.database.certificate(id) } == .invalidState)
        try await store.database.completeWithoutChange(claimed.claim, head: 0, record: .object(JSONObject()))
        let key = try #require(try await store.database.signingKeys().first?.key)
        let certificate = try Certificate(Data(try await store.database.certificate(id).utf8), keys: [key])
        #expect(certificate.predicate["changed"] == false)
        #expect(certificate.predicate["generation"]?["number"] == 0)
    }

    @Test func `items are named by a keyed digest that differs between requests and stores`() async throws {
        func digest(_ issued: Issued) throws -> String? {
            try Certificate(issued.data, keys: [issued.key]).predicate["request"]?["items_hmac_sha256"]?.stringValue
        }
        let (one, two) = (try await Self.issue(), try await Self.issue())
        let plain = SHA256.hash(data: Data("Name: A. Example".utf8)).map { String(format: "%02x", $0) }.joined()
        let digests = [try digest(one), try digest(two), plain]
        #expect(Set(digests).count == 3 && digests.allSatisfy { $0?.utf8.count == 64 })
    }

    @Test func `a rollback or a purge moves the reference along the head's lineage`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        let recovery = StoreRecovery(database: store.database, generations: store.generations)
        for _ in 0..<2 {
            try await store.submit()
            try await store.applyNext()
        }
        #expect(try await store.database.referenceGeneration("tiny").number == 0)
        try await store.database.rollback("tiny", to: 0)
        try await store.submit()
        try await store.applyNext()
        // 1 and 2 were left behind; 3 was made from 0.
        _ = try await recovery.purge("tiny", number: 0)
        #expect(try await store.database.referenceGeneration("tiny").number == 3)
        try await store.submit()
        try await store.applyNext()
        #expect(try await store.database.referenceGeneration("tiny").number == 3)
    }

    @Test func `a reference that is purged while it is read gives way to the next`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        try await store.submit()
        try await store.applyNext()
        let recovery = StoreRecovery(database: store.database, generations: store.generations)
        var read: [Int] = []
        let found = try await store.database.withReferenceGeneration("tiny") { reference in
            read.append(reference.number)
            if reference.number == 0 { _ = try await recovery.purge("tiny", number: 0) }
            try store.generations.verify("tiny", reference, depth: .sizes)
            return reference.number
        }
        #expect(found == 1)
        #expect(read == [0, 1])
        // One that is damaged, and still the reference, stays an error.
        let folder = store.generations.url("tiny", try await store.database.head("tiny"))
        try FileManager.default.removeItem(at: folder)
        let error = await errorCode {
            try await store.database.withReferenceGeneration("tiny") { reference in
                _ = try store.generations.verify("tiny", reference, depth: .sizes)
            }
        }
        #expect(error == .badData)
    }
}
