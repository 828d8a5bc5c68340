import Foundation
import LetheCore
import LetheProcessSupport
import LetheService
import Synchronization
import Testing

/// Pulls from a hub that listens on a real socket and misbehaves.
@Suite(.timeLimit(.minutes(1))) struct HubPullTests {
    private let scratch: Scratch
    private let waits = Waits()
    private static let weights = "model.safetensors"

    init() throws { scratch = try Scratch() }

    /// Remembers waits instead of waiting.
    private final class Waits: Sendable {
        private let all = Mutex<[Duration]>([])
        var list: [Duration] { all.withLock { $0 } }
        func add(_ wait: Duration) { all.withLock { $0.append(wait) } }
    }

    private var out: URL { scratch.path("tiny") }
    private var work: URL { scratch.path("tiny.incomplete") }

    private func pull(
        _ server: HubServer, host: String = "127.0.0.1", token: String? = nil, attempts: Int = 4, gguf: String? = nil
    ) async throws -> HubPull.Snapshot {
        var retry = HubRetry()
        retry.attempts = attempts
        retry.sleep = { [waits] in waits.add($0) }
        let endpoint = try HubEndpoint(url: server.url(host: host), token: token.map(Sensitive.init))
        return try await HubPull(try HubReference("acme/tiny"), from: endpoint, retry: retry).run(to: out, gguf: gguf)
    }

    private func expectWhole(
        _ repository: HubRepository, _ names: [String], location: SourceLocation = #_sourceLocation
    ) throws {
        #expect(try Scratch.contents(out) == (names + ["hub.json"]).sorted(), sourceLocation: location)
        for name in names {
            #expect(
                try Data(contentsOf: out.appendingPathComponent(name)) == repository.files[name], "\(name)",
                sourceLocation: location)
        }
        #expect(!FileManager.default.fileExists(atPath: work.path), sourceLocation: location)
    }

    private static let folder = ["config.json", "generation_config.json", weights, "tokenizer.json"]

    private func expectError(
        _ code: LetheError.Code, _ words: String..., location: SourceLocation = #_sourceLocation,
        _ body: () async throws -> Void
    ) async {
        do {
            try await body()
            Issue.record("nothing was thrown", sourceLocation: location)
        } catch let error as LetheError {
            #expect(error.code == code, "\(error)", sourceLocation: location)
            for word in words { #expect(error.message.contains(word), "\(error)", sourceLocation: location) }
        } catch {
            Issue.record(error, sourceLocation: location)
        }
        #expect(!FileManager.default.fileExists(atPath: out.path), sourceLocation: location)
    }

    // MARK: What is taken

    @Test func `a folder is brought with what the loader reads, and nothing pickled`() async throws {
        let repository = HubRepository()
        let server = try HubServer { repository.reply(to: $0) }
        let snapshot = try await pull(server)
        #expect(snapshot.commit == HubRepository.commit)
        #expect(!snapshot.wasThere)
        try expectWhole(repository, Self.folder)
        let record = try JSONParser.parse(Data(contentsOf: out.appendingPathComponent("hub.json")), context: "record")
        #expect(record == snapshot.json)
        // All files of the commit that the branch stood for.
        #expect(server.requests.dropFirst().allSatisfy { $0.path.contains("/resolve/\(HubRepository.commit)/") })
        #expect(server.requests.count == 5)
    }

    @Test func `shards are those that the index names`() async throws {
        let repository = HubRepository.sharded()
        let server = try HubServer { repository.reply(to: $0) }
        _ = try await pull(server)
        try expectWhole(
            repository,
            (1...3).map { "model-0000\($0)-of-00003.safetensors" } + [
                "config.json", "generation_config.json", "model.safetensors.index.json", "tokenizer.json",
            ])
    }

    @Test func `one GGUF file is brought alone, and offered where there is nothing else`() async throws {
        var repository = HubRepository()
        repository.files = ["quantised/tiny.Q8_0.gguf": HubRepository.noise(70_000, seed: 3)]
        repository.large = Set(repository.files.keys)
        let server = try HubServer { [repository] in repository.reply(to: $0) }
        await expectError(.notFound, "config.json", "quantised/tiny.Q8_0.gguf") { _ = try await pull(server) }
        _ = try await pull(server, gguf: "quantised/tiny.Q8_0.gguf")
        #expect(try Scratch.contents(out) == ["hub.json", "tiny.Q8_0.gguf"])
        #expect(
            try Data(contentsOf: out.appendingPathComponent("tiny.Q8_0.gguf")) == repository.files.values.first)
    }

    @Test func `pickled weights are refused`() async throws {
        var repository = HubRepository()
        repository.files[Self.weights] = nil
        let server = try HubServer { [repository] in repository.reply(to: $0) }
        await expectError(.unsupported, "pickled") { _ = try await pull(server) }
        #expect(server.requests.count == 1)
    }

    // MARK: Breaking off

    @Test func `a connection that breaks is taken up where it broke`() async throws {
        let repository = HubRepository()
        let server = try HubServer { request in
            var reply = repository.reply(to: request)
            // Each answer brings 40,000 bytes of the weights: eight connections in all, and never two failures without
            // progress in between.
            if repository.fileName(request) == Self.weights, reply.body.count > 40_000 { reply.cutAfter = 40_000 }
            return reply
        }
        _ = try await pull(server, attempts: 2)
        try expectWhole(repository, Self.folder)
        let offsets = server.requests.filter { repository.fileName($0) == Self.weights }.map(\.firstByte)
        #expect(offsets == (0..<8).map { $0 * 40_000 })
        #expect(waits.list.count == 7)
    }

    @Test func `a later pull goes on where an earlier one gave up`() async throws {
        let repository = HubRepository()
        let isBroken = Mutex(true)
        let server = try HubServer { request in
            var reply = repository.reply(to: request)
            if repository.fileName(request) == Self.weights, isBroken.withLock({ $0 }) { reply.cutAfter = 123_456 }
            return reply
        }
        await expectError(.unavailable) { _ = try await pull(server, attempts: 1) }
        // Only under a name that nobody takes for a model.
        #expect(try Scratch.contents(work).filter { $0.hasPrefix(Self.weights) }.allSatisfy { $0.hasSuffix(".part") })
        isBroken.withLock { $0 = false }
        let before = server.requests.count
        _ = try await pull(server, attempts: 1)
        try expectWhole(repository, Self.folder)
        // The listing and the rest of the weights; the small files were there and right.
        let later = server.requests.dropFirst(before)
        #expect(later.map(\.firstByte) == [0, 123_456])
    }

    @Test func `a hub that ignores Range is heard from the beginning`() async throws {
        let repository = HubRepository()
        let count = Mutex(0)
        let server = try HubServer { request in
            guard repository.fileName(request) == Self.weights else { return repository.reply(to: request) }
            var reply = HubServer.Reply(body: repository.files[Self.weights] ?? Data())
            if count.withLock({
                $0 += 1; return $0
            }) == 1 {
                reply.cutAfter = 200_000
            }
            return reply
        }
        _ = try await pull(server)
        try expectWhole(repository, Self.folder)
        #expect(server.requests.last?.firstByte == 200_000)
    }

    @Test func `another range than was asked for is not believed`() async throws {
        let repository = HubRepository()
        let count = Mutex(0)
        let server = try HubServer { request in
            var reply = repository.reply(to: request)
            guard repository.fileName(request) == Self.weights else { return reply }
            switch count.withLock({
                $0 += 1; return $0
            }) {
            case 1: reply.cutAfter = 1000
            case 2: reply.headers["Content-Range"] = "bytes 0-299999/300000"
            default: break
            }
            return reply
        }
        _ = try await pull(server)
        try expectWhole(repository, Self.folder)
    }

    @Test func `a damaged leftover is found and fetched anew`() async throws {
        let repository = HubRepository()
        let isBroken = Mutex(true)
        let server = try HubServer { request in
            var reply = repository.reply(to: request)
            if repository.fileName(request) == Self.weights, isBroken.withLock({ $0 }) { reply.cutAfter = 1000 }
            return reply
        }
        await expectError(.unavailable) { _ = try await pull(server, attempts: 1) }
        let name = try #require(try Scratch.contents(work).first { $0.hasSuffix(".part") })
        var bytes = try Data(contentsOf: work.appendingPathComponent(name))
        bytes[500] ^= 1
        try bytes.write(to: work.appendingPathComponent(name))
        isBroken.withLock { $0 = false }
        _ = try await pull(server)
        try expectWhole(repository, Self.folder)
    }

    // MARK: Wrong content

    @Test func `wrong bytes never get the final name`() async throws {
        let repository = HubRepository()
        let server = try HubServer { request in
            var reply = repository.reply(to: request)
            if repository.fileName(request) == Self.weights { reply.body[reply.body.count / 2] ^= 1 }
            return reply
        }
        await expectError(.badData, Self.weights, "checksum") { _ = try await pull(server) }
        #expect(server.requests.filter { repository.fileName($0) == Self.weights }.count == 3)
        #expect(!FileManager.default.fileExists(atPath: work.appendingPathComponent(Self.weights).path))
    }

    @Test func `a small file is checked by its Git name`() async throws {
        let repository = HubRepository()
        let server = try HubServer { request in
            var reply = repository.reply(to: request)
            if repository.fileName(request) == "config.json" { reply.body[3] ^= 1 }
            return reply
        }
        await expectError(.badData, "config.json", "checksum") { _ = try await pull(server) }
    }

    @Test func `bytes that are wrong once are fetched again`() async throws {
        let repository = HubRepository()
        let count = Mutex(0)
        let server = try HubServer { request in
            var reply = repository.reply(to: request)
            if repository.fileName(request) == Self.weights,
                count.withLock({
                    $0 += 1; return $0
                }) == 1
            {
                reply.body[0] ^= 1
            }
            return reply
        }
        _ = try await pull(server)
        try expectWhole(repository, Self.folder)
    }

    @Test func `more bytes than are listed are not taken`() async throws {
        let repository = HubRepository()
        let server = try HubServer { request in
            var reply = repository.reply(to: request)
            if repository.fileName(request) == Self.weights {
                reply.body.append(Data(count: 1000))
                reply.announcesLength = false
            }
            return reply
        }
        await expectError(.badData, Self.weights, "more than") { _ = try await pull(server) }
    }

    // MARK: Names

    @Test(arguments: [
        "../../etc/cron.d/x", "/etc/passwd", "a/../b", "a//b", "", ".", "a\\..\\b", "a\u{0}b", "C:x", "a\nb",
    ])
    func `a name that leads out of the folder is refused`(_ name: String) async throws {
        var repository = HubRepository()
        repository.extra = [
            ["rfilename": .string(name), "size": 1, "blobId": .string(String(repeating: "a", count: 40))]
        ]
        let server = try HubServer { [repository] in repository.reply(to: $0) }
        await expectError(.badData, "siblings") { _ = try await pull(server) }
    }

    @Test(arguments: ["../model.safetensors", "sub/model-1.safetensors", "config.json", "absent.safetensors"])
    func `an index that names something else than shards is refused`(_ name: String) async throws {
        var repository = HubRepository.sharded()
        repository.files["model.safetensors.index.json"] =
            JSONValue.object(JSONObject([("weight_map", .object(JSONObject([("a", .string(name))])))])).serialized()
        repository.files["sub/model-1.safetensors"] = Data([1])
        let server = try HubServer { [repository] in repository.reply(to: $0) }
        await expectError(.badData, "index") { _ = try await pull(server) }
    }

    @Test func `a listing without checksums or of something else is refused`() async throws {
        var repository = HubRepository()
        repository.extra = [["rfilename": "a.txt", "size": 1]]
        let server = try HubServer { [repository] in repository.reply(to: $0) }
        await expectError(.badData, "checksum") { _ = try await pull(server) }
        let page = try HubServer { _ in HubServer.Reply(body: Data("<html>".utf8)) }
        await expectError(.badData) { _ = try await pull(page) }
        let other = try HubServer { _ in HubServer.Reply(body: Data("{}".utf8)) }
        await expectError(.badData, "--endpoint") { _ = try await pull(other) }
    }

    // MARK: Tokens, redirects and refusals

    @Test func `a token stays with its hub when files are elsewhere`() async throws {
        let repository = HubRepository()
        let store = try HubServer { request in
            repository.content(String(request.path.dropFirst()), request)
        }
        let storeURL = store.url(host: "localhost")
        let hub = try HubServer { request in
            guard let name = repository.fileName(request), repository.large.contains(name) else {
                return repository.reply(to: request)
            }
            return HubServer.Reply(
                status: 302, headers: ["Location": "\(storeURL)/\(name)?signature=1"], body: Data("moved".utf8))
        }
        _ = try await pull(hub, token: "hf_secret")
        try expectWhole(repository, Self.folder)
        #expect(hub.requests.allSatisfy { $0.headers["authorization"] == "Bearer hf_secret" })
        #expect(store.requests.count == 1)
        #expect(
            store.requests.allSatisfy {
                $0.headers["authorization"] == nil && !$0.headers.values.contains { $0.contains("hf_secret") }
            })
    }

    @Test func `a redirect within the hub keeps the token, and an endless one ends`() async throws {
        let repository = HubRepository()
        let hub = try HubServer { request in
            guard request.target.hasPrefix("/api/") else { return repository.reply(to: request) }
            return request.target.hasSuffix("&again=1")
                ? HubServer.Reply(body: repository.listing.serialized())
                : HubServer.Reply(status: 307, headers: ["Location": "\(request.target)&again=1"])
        }
        _ = try await pull(hub, token: "hf_secret")
        try expectWhole(repository, Self.folder)
        #expect(hub.requests.allSatisfy { $0.headers["authorization"] == "Bearer hf_secret" })
        try FileManager.default.removeItem(at: out)
        let endless = try HubServer { HubServer.Reply(status: 302, headers: ["Location": $0.target]) }
        await expectError(.unavailable, "redirects") { _ = try await pull(endless) }
    }

    @Test func `no redirect leads out of TLS, and no token goes in clear`() throws {
        let endpoint = try HubEndpoint(url: "https://hub.example/", token: Sensitive("t"))
        #expect(throws: LetheError.self) {
            try endpoint.target(of: "http://hub.example/x", from: "https://hub.example/y")
        }
        #expect(throws: LetheError.self) { try endpoint.target(of: "file:///etc/passwd", from: "https://hub.example/") }
        #expect(throws: LetheError.self) { try endpoint.target(of: nil, from: "https://hub.example/") }
        #expect(
            try endpoint.target(of: "/z?a=1", from: "https://hub.example/x/y") == "https://hub.example/z?a=1")
        for url in ["http://hub.example", "ftp://hub.example", "hub.example", "https://", "https://u:p@hub.example"] {
            #expect(throws: LetheError.self, "\(url)") { try HubEndpoint(url: url, token: Sensitive("t")) }
        }
        #expect(throws: LetheError.self) { try HubEndpoint(token: Sensitive("a\r\nX: y")) }
    }

    @Test func `a hub that is too busy is waited for as it asks`() async throws {
        let repository = HubRepository()
        let count = Mutex(0)
        let server = try HubServer { request in
            switch count.withLock({
                $0 += 1; return $0
            }) {
            case 1: HubServer.Reply(status: 429, headers: ["Retry-After": "17"])
            case 2: HubServer.Reply(status: 503)
            default: repository.reply(to: request)
            }
        }
        _ = try await pull(server)
        try expectWhole(repository, Self.folder)
        #expect(waits.list.count == 2)
        #expect(waits.list.first == .seconds(17))
        #expect(waits.list.last.map { $0 >= .milliseconds(1500) && $0 <= .seconds(2) } == true)
        try FileManager.default.removeItem(at: out)
        let slow = try HubServer { _ in HubServer.Reply(status: 429, headers: ["Retry-After": "7200"]) }
        await expectError(.unavailable, "7200") { _ = try await pull(slow) }
        #expect(slow.requests.count == 1)
        let never = try HubServer { _ in HubServer.Reply(status: 500) }
        await expectError(.unavailable, "500") { _ = try await pull(never, attempts: 3) }
        #expect(never.requests.count == 3)
    }

    @Test(arguments: [(401, LetheError.Code.forbidden), (403, .forbidden), (404, .notFound), (400, .unavailable)])
    func `a refusal is not repeated`(_ status: Int, _ code: LetheError.Code) async throws {
        let server = try HubServer { _ in HubServer.Reply(status: status, body: Data("secret page".utf8)) }
        await expectError(code) { _ = try await pull(server) }
        #expect(server.requests.count == 1)
    }

    // MARK: The folder

    @Test func `a folder that is there is checked, and never written over`() async throws {
        let repository = HubRepository()
        let server = try HubServer { repository.reply(to: $0) }
        _ = try await pull(server)
        let before = server.requests.count
        #expect(try await pull(server).wasThere)
        #expect(server.requests.count == before + 1)
        let weights = out.appendingPathComponent(Self.weights)
        var bytes = try Data(contentsOf: weights)
        bytes[7] ^= 1
        try bytes.write(to: weights)
        await #expect(throws: LetheError.self) { _ = try await pull(server) }
        #expect(try Data(contentsOf: weights) == bytes)
        try FileManager.default.removeItem(at: out.appendingPathComponent("hub.json"))
        do {
            _ = try await pull(server)
            Issue.record("a folder without a record was taken")
        } catch let error as LetheError {
            #expect(error.code == .conflict)
        }
    }

    @Test func `two pulls do not work in one folder`() async throws {
        let repository = HubRepository()
        let server = try HubServer { repository.reply(to: $0) }
        try FileManager.default.createDirectory(at: work, withIntermediateDirectories: true)
        let descriptor = open(work.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        try #require(flock(descriptor, LOCK_EX | LOCK_NB) == 0)
        await expectError(.conflict, "another pull") { _ = try await pull(server) }
        // A program that another test is starting may hold a copy of the descriptor for a moment.
        flock(descriptor, LOCK_UN)
        close(descriptor)
        _ = try await pull(server)
        try expectWhole(repository, Self.folder)
    }

    @Test(arguments: [
        "tiny", "a/b/c", "/tiny", "acme/", "../tiny", "acme/..", "-a/b", "a b/c", "acme/tiny@", "acme/tiny@../x",
        "acme/tiny@a//b", "acme/tiny@-x", "acme/tiny@a b", "äcme/tiny",
    ])
    func `what is no repository is refused`(_ text: String) {
        #expect(throws: LetheError.self) { try HubReference(text) }
    }

    @Test func `a revision may be a branch with slashes`() throws {
        let reference = try HubReference("acme/Tiny-1.5_b@refs/pr/7")
        #expect(reference.owner == "acme" && reference.name == "Tiny-1.5_b" && reference.revision == "refs/pr/7")
        #expect(try HubReference("acme/tiny").revision == "main")
    }
}
