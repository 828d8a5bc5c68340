import Foundation
import LetheCore
import LetheProcessSupport
import Testing

/// Completions of a running daemon, against what the commands say of the same model.
@Suite(.serialized, RunningDaemon()) struct CompletionTests {
    let bench: CommandBench

    init() throws { bench = try CommandBench() }

    private static let text = "The night crew sings at 7:45."

    private func complete(_ body: JSONValue, status: Int = 200) async throws -> JSONValue {
        let daemon = try #require(RunningDaemon.current)
        let answer = try await daemon.call("POST", "/v1/completions", body: body.serialized())
        try #require(answer.status == status, "\(String(decoding: answer.body, as: UTF8.self))")
        return try answer.json
    }

    private func firstChoice(_ body: JSONValue) async throws -> JSONValue {
        let answer = try await complete(body)
        return try #require(answer["choices"]?.arrayValue?.first)
    }

    private func score(_ text: String) async throws -> JSONValue {
        let scored = try await bench.succeed(
            "score", "--model", Fixtures.model.path, "--threads", "1", "--jsonl", input: CommandBench.line(text))
        return try #require(try scored.jsonLines.first)
    }

    @Test func `an echoed prompt has the log-probabilities of score`() async throws {
        let score = try await score(Self.text)
        let ids = try #require(score["ids"])
        for prompt in [JSONValue.string(Self.text), ids, .array([ids])] {
            let answer = try await complete([
                "model": "tiny", "prompt": prompt, "max_tokens": 0, "echo": true, "logprobs": 2, "temperature": 0,
            ])
            let choice = try #require(answer["choices"]?.arrayValue?.first)
            #expect(choice["text"] == .string(Self.text))
            #expect(choice["finish_reason"] == "length")
            let values = try #require(choice["logprobs"]?["token_logprobs"]?.arrayValue)
            #expect(values.first == .null)
            #expect(.array(Array(values.dropFirst())) == score["token_logprobs"])
            let tokens = (choice["logprobs"]?["tokens"]?.arrayValue ?? []).compactMap(\.stringValue)
            #expect(tokens.count == ids.arrayValue?.count)
            #expect(tokens.joined() == Self.text)
            let offsets = (choice["logprobs"]?["text_offset"]?.arrayValue ?? []).compactMap(\.intValue)
            #expect(offsets == tokens.indices.map { tokens[..<$0].joined().unicodeScalars.count })
            let tops = try #require(choice["logprobs"]?["top_logprobs"]?.arrayValue)
            #expect(tops.first == .null && tops.count == values.count)
            for (value, top) in zip(values, tops).dropFirst() {
                let listed = (top.objectValue?.entries ?? []).compactMap { $0.value.doubleValue }
                #expect((2...3).contains(listed.count))
                #expect(listed == listed.sorted(by: >))
                #expect(value.doubleValue.map { listed.contains($0) } == true)
            }
            let count = Int64(values.count)
            #expect(
                answer["usage"] == [
                    "prompt_tokens": .integer(count), "completion_tokens": 0, "total_tokens": .integer(count),
                ])
            #expect(answer["system_fingerprint"]?.stringValue?.hasPrefix("0-") == true)
        }
    }

    @Test func `greedy completions are those of generate, one prompt or several`() async throws {
        let prompts = ["Ada", Self.text, "Where does Ada live?"]
        let answer = try await complete([
            "model": "tiny", "prompt": .array(prompts.map { .string($0) }), "max_tokens": 12, "temperature": 0,
        ])
        let choices = try #require(answer["choices"]?.arrayValue)
        #expect(choices.count == 3)
        for (index, prompt) in prompts.enumerated() {
            let generated = try await bench.succeed(
                "generate", "--model", Fixtures.model.path, "--threads", "1", "--prompt", prompt, "--max-new-tokens",
                "12", "--json"
            ).json
            #expect(choices[index]["text"] == generated["text"])
            #expect(choices[index]["index"] == .integer(Int64(index)))
            #expect(choices[index]["logprobs"] == .null)
        }
    }

    @Test func `a new token's log-probability is that of the whole text`() async throws {
        let choice = try await firstChoice([
            "model": "tiny", "prompt": .string(Self.text), "max_tokens": 1, "echo": true, "logprobs": 1,
            "temperature": 0,
        ])
        let echoed = try #require(choice["logprobs"]?["token_logprobs"]?.arrayValue)
        let score = try await score(Self.text)
        #expect(echoed.count == (score["ids"]?.arrayValue?.count ?? 0) + 1)
        #expect(.array(Array(echoed.dropFirst().dropLast())) == score["token_logprobs"])
        let last = try #require(choice["logprobs"]?["top_logprobs"]?.arrayValue?.last?.objectValue)
        #expect(last.entries.first?.value == echoed.last)
    }

    @Test func `sampling depends on the seed alone`() async throws {
        func sample(_ seed: Int, _ topP: Double = 1) async throws -> JSONValue? {
            try await firstChoice([
                "model": "tiny", "prompt": "Ada", "max_tokens": 24, "temperature": 1.5, "seed": .integer(Int64(seed)),
                "top_p": .number(topP),
            ])["text"]
        }
        let first = try await sample(5)
        #expect(try await sample(5) == first)
        #expect(try await sample(6) != first)
        let greedy = try await firstChoice(["model": "tiny", "prompt": "Ada", "max_tokens": 24, "temperature": 0])
        #expect(try await sample(5, 0) == greedy["text"])
    }

    @Test func `a stop text ends the text before it`() async throws {
        let whole = try #require(
            try await firstChoice(["model": "tiny", "prompt": "Ada", "max_tokens": 16, "temperature": 0])["text"]?
                .stringValue)
        let middle = whole.index(whole.startIndex, offsetBy: whole.count / 2)
        let stop = String(whole[middle...].prefix(2))
        try #require(!stop.isEmpty)
        let choice = try await firstChoice([
            "model": "tiny", "prompt": "Ada", "max_tokens": 16, "temperature": 0, "stop": .array([.string(stop)]),
        ])
        let end = try #require(whole.range(of: stop)).lowerBound
        #expect(choice["text"] == .string(String(whole[..<end])))
        #expect(choice["finish_reason"] == "stop")
    }

    @Test func `what the model cannot do is refused`() async throws {
        let unknown = try await complete(["model": "nobody", "prompt": "a"], status: 404)
        #expect(unknown["error"]?["code"] == "not_found")
        let outside = try await complete(["model": "tiny", "prompt": [999_999]], status: 400)
        #expect(outside["error"]?["param"] == "prompt")
        let long = try await complete(
            ["model": "tiny", "prompt": .array(Array(repeating: 5, count: 40_000)), "max_tokens": 1], status: 400)
        #expect(long["code"] == "limit_exceeded")
    }

    @Test func `while a request is carried out the head answers as before`() async throws {
        let daemon = try #require(RunningDaemon.current)
        let body: JSONValue = [
            "model": "tiny", "prompt": .string(Self.text), "max_tokens": 4, "echo": true, "logprobs": 1,
            "temperature": 0,
        ]
        let before = try await complete(body)
        let pair = #"{"prompt":"Where?","completion":"\#(String(repeating: " At pier 3.", count: 20))"}"#
        let items = Array(repeating: pair, count: 64).joined(separator: ",")
        let options =
            #"{"preset":"published","method":"ga","keep_term":"none","layers":4,"epochs":1000,"learning_rate":1e-3}"#
        let request = try JSONParser.parse(
            Data(#"{"category":"other","items":[\#(items)],"options":\#(options)}"#.utf8), context: "request")
        let id = try #require(try await daemon.submit(request, key: UUID().uuidString).json["id"]?.stringValue)
        try await Blocking.run { [lethe = bench.lethe, url = daemon.url] in
            let watch = try ChildProcess(lethe.path, ["requests", "watch", id, "--url", url])
            while try !watch.line(timeout: .seconds(60)).contains(" progress ") {}
        }
        for _ in 0..<5 {
            let during = try await complete(body)
            #expect(during["choices"] == before["choices"])
            #expect(during["system_fingerprint"] == before["system_fingerprint"])
        }
        #expect(try await daemon.get("/v1/requests/\(id)")["state"] == "running")
        #expect(try await daemon.call("POST", "/v1/requests/\(id)/cancel").status == 200)
    }

    @Test func `after a request the new head answers, and after a rollback the old one`() async throws {
        let daemon = try #require(RunningDaemon.current)
        let body: JSONValue = [
            "model": "tiny", "prompt": .string(Self.text), "max_tokens": 0, "echo": true, "logprobs": 0,
        ]
        let before = try await complete(body)
        let request = try JSONParser.parse(
            Data(
                """
                {"category":"other","items":[{"text":"\(Self.text)"}],"options":{"preset":"published","method":"ga",\
                "keep_term":"none","layers":2,"epochs":3,"learning_rate":0.001,"seed":1}}
                """.utf8), context: "request")
        let id = try #require(try await daemon.submit(request, key: UUID().uuidString).json["id"]?.stringValue)
        #expect(try await daemon.waitForEnd(of: id)["state"] == "applied")
        let after = try await complete(body)
        #expect(after["system_fingerprint"] != before["system_fingerprint"])
        #expect(after["choices"] != before["choices"])
        let rollback: JSONValue = ["generation": 0]
        #expect(
            try await daemon.call("POST", "/v1/models/tiny/rollback", body: rollback.serialized()).status == 200)
        let again = try await complete(body)
        #expect(again["choices"] == before["choices"])
        #expect(again["system_fingerprint"] == before["system_fingerprint"])
    }
}
