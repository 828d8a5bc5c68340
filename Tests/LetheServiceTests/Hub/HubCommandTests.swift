import Foundation
import LetheCore
import LetheProcessSupport
import Synchronization
import Testing

/// `lethe model pull` as a program, killed and started again.
@Suite(.timeLimit(.minutes(2))) struct HubCommandTests {
    @Test func `a pull that is killed is finished by the next, and the model is imported`() async throws {
        let lethe = try LetheBinary()
        let scratch = try Scratch()
        var repository = HubRepository()
        for name in ["config.json", "tokenizer.json", "model.safetensors"] {
            repository.files[name] = try Data(contentsOf: Fixtures.model.appendingPathComponent(name))
        }
        let (arrivals, arrival) = AsyncStream.makeStream(of: Void.self)
        let isHolding = Mutex(true)
        let server = try HubServer { [repository] request in
            var reply = repository.reply(to: request)
            guard repository.fileName(request) == "model.safetensors" else { return reply }
            if request.firstByte == 0 {
                reply.cutAfter = reply.body.count / 2
            } else if isHolding.withLock({ $0 }) {
                // The first program has half of the weights, and waits for the rest.
                arrival.yield()
                return HubServer.Reply(status: 503, headers: ["Retry-After": "500"])
            }
            return reply
        }
        let environment = ["HF_TOKEN": "hf_canary_token", "HF_ENDPOINT": server.url()]
        let arguments = ["model", "pull", "acme/tiny", "--out", scratch.path("tiny").path, "--json"]
        let child = try ChildProcess(lethe.path, arguments, environment: environment)
        for await _ in arrivals { break }
        child.kill()
        _ = try await Blocking.run { try child.finish(timeout: .seconds(30)) }
        #expect(!FileManager.default.fileExists(atPath: scratch.path("tiny").path))
        isHolding.withLock { $0 = false }
        let before = server.requests.count

        let finished = try await lethe.run(arguments, environment: environment)
        try #require(finished.end == .exited(0), "\(finished.errorText)")
        #expect(try finished.json["commit"] == .string(HubRepository.commit))
        #expect(try finished.json["was_there"] == false)
        // The listing, and the second half of the weights.
        #expect(server.requests.dropFirst(before).map { $0.firstByte > 0 } == [false, true])
        for text in [finished.outputText, finished.errorText] { #expect(!text.contains("canary")) }
        for path in try Scratch.contents(scratch.path("tiny")) {
            let file = scratch.path("tiny").appendingPathComponent(path)
            #expect(try Data(contentsOf: file).range(of: Data("canary".utf8)) == nil)
        }
        let imported = try await lethe.run(
            "model", "import", scratch.path("tiny").path, "--name", "tiny", "--data-dir", scratch.path("store").path)
        #expect(imported.end == .exited(0), "\(imported.errorText)")
    }

    @Test func `refusals say what to do and have their exit status`() async throws {
        let lethe = try LetheBinary()
        let scratch = try Scratch()
        let server = try HubServer { _ in HubServer.Reply(status: 401) }
        let out = scratch.path("tiny").path
        for (arguments, status, word) in [
            (["acme/tiny", "--endpoint", server.url()], 77, "HF_TOKEN"),
            (["tiny", "--endpoint", server.url()], 64, "OWNER/NAME"),
            (["acme/tiny", "--endpoint", "http://127.0.0.1:1", "--attempts", "1"], 69, "no answer"),
            (["acme/tiny", "--endpoint", "ftp://hub"], 64, "http"),
        ] as [([String], Int32, String)] {
            let finished = try await lethe.run(["model", "pull"] + arguments + ["--out", out])
            #expect(finished.end == .exited(status), "\(arguments): \(finished.errorText)")
            #expect(finished.errorText.contains(word), "\(finished.errorText)")
            #expect(finished.output.isEmpty)
        }
    }

    @Test func `the files of a repository are listed`() async throws {
        let repository = HubRepository()
        let server = try HubServer { repository.reply(to: $0) }
        let finished = try await LetheBinary().run(
            "model", "pull", "acme/tiny", "--endpoint", server.url(), "--list", "--json")
        let files = try finished.json["files"]?.arrayValue?.compactMap { $0["path"]?.stringValue }
        #expect(files == repository.files.keys.sorted())
    }
}
