import Crypto
import Foundation
import GRDB
import LetheCore
import LetheStore
import Testing

@Suite struct KeyTests {
    private static func key(_ scopes: AccessScope..., expiresAt: Date? = nil) -> NewAPIKey {
        NewAPIKey(name: "test", scopes: Set(scopes), expiresAt: expiresAt)
    }

    @Test func `a key has the form that scanners look for, and is read back`() async throws {
        let store = try StoreFixture()
        let (row, token) = try await store.database.createKey(Self.key(.metrics), by: .owner)
        let text = token.text.reveal()
        #expect(text.wholeMatch(of: try Regex(APIKeyToken.pattern)) != nil)
        #expect(text.hasPrefix("lethe_\(row.id)_"))
        // The checksum is the SHA-256 of what is before it.
        let body = String(text.dropLast(9))
        let digest = SHA256.hash(data: Data(body.utf8)).prefix(4).map { String(format: "%02x", $0) }.joined()
        #expect(text.hasSuffix("_\(digest)"))
        let found = try #require(APIKeyToken(text).flatMap { store.database.authenticate($0) })
        #expect(found.id == row.id)
        #expect(found.scopes == [.metrics])
        #expect("\(token)".contains(text) == false)
        #expect(String(reflecting: token).contains(text.dropFirst(23).prefix(20)) == false)
    }

    @Test func `no changed character of a key lets anybody in`() async throws {
        let store = try StoreFixture()
        let text = try await store.database.createKey(Self.key(.metrics), by: .owner).token.text.reveal()
        for index in text.indices {
            var changed = text
            changed.replaceSubrange(index...index, with: text[index] == "0" ? "1" : "0")
            let token = APIKeyToken(changed)
            #expect(token.flatMap { store.database.authenticate($0) } == nil)
        }
        for text in ["", "lethe_", text + "0", String(text.dropLast()), text.uppercased(), " " + text.dropLast()] {
            #expect(APIKeyToken(text) == nil)
        }
        // Another secret under the same id, with its own valid checksum.
        let body = String(text.prefix(23)) + String(repeating: "a", count: 64)
        let digest = SHA256.hash(data: Data(body.utf8)).prefix(4).map { String(format: "%02x", $0) }.joined()
        let forged = try #require(APIKeyToken("\(body)_\(digest)"))
        #expect(store.database.authenticate(forged) == nil)
    }

    @Test func `only the digest of the secret is on disk`() async throws {
        let store = try StoreFixture()
        let text = try await store.database.createKey(Self.key(.admin), by: .owner).token.text.reveal()
        let secret = String(text.split(separator: "_")[2])
        let bytes = Data(
            stride(from: 0, to: 64, by: 2).map { offset in
                let start = secret.index(secret.startIndex, offsetBy: offset)
                return UInt8(secret[start..<secret.index(start, offsetBy: 2)], radix: 16) ?? 0
            })
        try store.close()
        var foundDigest = false
        for name in try FileManager.default.contentsOfDirectory(atPath: store.root.path) where name != "models" {
            let data = try Data(contentsOf: store.root.appendingPathComponent(name))
            #expect(data.range(of: Data(secret.utf8)) == nil, "\(name)")
            #expect(data.range(of: bytes) == nil, "\(name)")
            if data.range(of: Data(SHA256.hash(data: bytes))) != nil { foundDigest = true }
        }
        #expect(foundDigest)
        try store.open()
        #expect(APIKeyToken(text).flatMap { store.database.authenticate($0) } != nil)
    }

    @Test func `a revoked key is refused at once, and after a restart`() async throws {
        let store = try StoreFixture()
        let (row, token) = try await store.database.createKey(Self.key(.metrics), by: .owner)
        #expect(store.database.authenticate(token) != nil)
        #expect(try await store.database.revokeKey(row.id).revokedAt == store.clock.now())
        #expect(store.database.authenticate(token) == nil)
        store.clock.advance(60)
        #expect(try await store.database.revokeKey(row.id).revokedAt == store.clock.now() - 60)
        try store.reopen()
        #expect(store.database.authenticate(token) == nil)
        // A store that has had a key is not open again.
        #expect(store.database.hasKeys)
        #expect(await errorCode { try await store.database.revokeKey("0000000000000000") } == .notFound)
        try store.close()
        let queue = try DatabaseQueue(path: store.root.appendingPathComponent("lethe.sqlite").path)
        for sql in [
            "DELETE FROM api_keys", "UPDATE api_keys SET revoked_at = NULL", "UPDATE api_keys SET scopes = 'admin'",
            "UPDATE api_keys SET expires_at = NULL",
        ] {
            await #expect(throws: DatabaseError.self) { try await queue.write { try $0.execute(sql: sql) } }
        }
    }

    @Test func `a key ends when its time is over`() async throws {
        let store = try StoreFixture()
        let end = store.clock.now() + 10
        let (_, token) = try await store.database.createKey(Self.key(.metrics, expiresAt: end), by: .owner)
        store.clock.advance(9)
        #expect(store.database.authenticate(token) != nil)
        store.clock.advance(1)
        #expect(store.database.authenticate(token) == nil)
        #expect(
            await errorCode { _ = try await store.database.createKey(Self.key(.metrics, expiresAt: end), by: .owner) }
                == .badData)
    }

    @Test func `a key gives away no more than it has`() async throws {
        let store = try StoreFixture()
        let end = store.clock.now() + 100
        let database = try #require(store.database)
        let (admin, _) = try await database.createKey(
            Self.key(.admin, .metrics, expiresAt: end), by: .owner)
        let (child, _) = try await database.createKey(Self.key(.metrics), by: .key(admin))
        #expect(child.createdBy == admin.id)
        #expect(child.expiresAt == end)
        #expect(
            await errorCode { _ = try await database.createKey(Self.key(.requestsRead), by: .key(admin)) }
                == .forbidden)
        #expect(
            await errorCode {
                _ = try await database.createKey(Self.key(.metrics, expiresAt: end + 1), by: .key(admin))
            } == .forbidden)
        try await database.revokeKey(admin.id)
        #expect(
            await errorCode { _ = try await database.createKey(Self.key(.metrics), by: .key(admin)) } == .forbidden)
    }

    @Test func `anybody makes the first key only`() async throws {
        let store = try StoreFixture()
        let database = try #require(store.database)
        let made = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask { (try? await database.createKey(Self.key(.admin), by: .anybody)) != nil }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(made == 1)
        #expect(database.keys().count == 1)
    }

    @Test func `the last use is kept to the hour, with one write an hour`() async throws {
        let store = try StoreFixture()
        let (row, token) = try await store.database.createKey(Self.key(.metrics), by: .owner)
        #expect(store.database.keys().first?.lastUsedAt == nil)
        for _ in 0..<100 { _ = store.database.authenticate(token) }
        let used = try #require(store.database.keys().first?.lastUsedAt)
        #expect(used.timeIntervalSince1970.truncatingRemainder(dividingBy: 3600) == 0)
        #expect(store.clock.now().timeIntervalSince(used) < 3600)
        try store.reopen()
        #expect(store.database.keys().first?.lastUsedAt == used)
        store.clock.advance(3600)
        _ = store.database.authenticate(token)
        #expect(store.database.keys().first { $0.id == row.id }?.lastUsedAt == used + 3600)
    }
}
