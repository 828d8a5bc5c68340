import Foundation
import HTTPTypes
import LetheCore
import LetheService
import Testing

/// What the completions call takes and refuses, before any model is asked. A body that is right gets as far as the
/// models, which here are none.
@Suite(.timeLimit(.minutes(1)))
struct CompletionBodyTests {
    @Test(arguments: [
        #"{"model":"tiny","prompt":"a"}"#, #"{"model":"tiny","prompt":["a","b"]}"#,
        #"{"model":"tiny","prompt":[1,2,3]}"#, #"{"model":"tiny","prompt":[[1,2],[3]]}"#,
        #"{"model":"tiny","prompt":"a","max_tokens":0,"echo":true,"logprobs":5,"temperature":0}"#,
        #"{"model":"tiny","prompt":"a","max_tokens":null,"stop":null,"seed":-1,"user":"x","n":1,"best_of":1}"#,
        #"{"model":"tiny","prompt":"a","stop":["a","b","c","d"],"stream":false,"logit_bias":{},"suffix":null}"#,
        #"{"model":"tiny","prompt":"a","stop":"\n","presence_penalty":0,"frequency_penalty":0.0,"top_p":0.5}"#,
    ])
    func `a body of the right form reaches the models`(body: String) async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let answer = try await api.post("/v1/completions", body)
            #expect(answer.status == 503)
            #expect(answer.json?["error"]?["code"] == "unavailable")
            #expect(answer.json?["error"]?["type"] == "server_error")
        }
    }

    @Test(arguments: [
        (#"{"prompt":"a"}"#, "model"), (#"{"model":"tiny"}"#, "prompt"), (#"{"model":7,"prompt":"a"}"#, "model"),
        (#"{"model":"tiny","prompt":""}"#, "prompt"), (#"{"model":"tiny","prompt":[]}"#, "prompt"),
        (#"{"model":"tiny","prompt":[[]]}"#, "prompt/0"), (#"{"model":"tiny","prompt":["a",""]}"#, "prompt/1"),
        (#"{"model":"tiny","prompt":["a",1]}"#, "prompt"), (#"{"model":"tiny","prompt":[1,"a"]}"#, "prompt/1"),
        (#"{"model":"tiny","prompt":[-1]}"#, "prompt/0"), (#"{"model":"tiny","prompt":[1.5]}"#, "prompt"),
        (#"{"model":"tiny","prompt":[2147483648]}"#, "prompt/0"), (#"{"model":"tiny","prompt":{}}"#, "prompt"),
        (#"{"model":"tiny","prompt":"a","max_tokens":0}"#, "max_tokens"),
        (#"{"model":"tiny","prompt":"a","max_tokens":-1}"#, "max_tokens"),
        (#"{"model":"tiny","prompt":"a","max_tokens":4097}"#, "max_tokens"),
        (#"{"model":"tiny","prompt":"a","max_tokens":1e300}"#, "max_tokens"),
        (#"{"model":"tiny","prompt":["a","a","a","a","a"],"max_tokens":4096}"#, "max_tokens"),
        (#"{"model":"tiny","prompt":"a","temperature":-0.1}"#, "temperature"),
        (#"{"model":"tiny","prompt":"a","top_p":1.1}"#, "top_p"),
        (#"{"model":"tiny","prompt":"a","logprobs":6}"#, "logprobs"),
        (#"{"model":"tiny","prompt":"a","logprobs":true}"#, "logprobs"),
        (#"{"model":"tiny","prompt":"a","stop":["a","b","c","d","e"]}"#, "stop"),
        (#"{"model":"tiny","prompt":"a","stop":""}"#, "stop"), (#"{"model":"tiny","prompt":"a","n":2}"#, "n"),
        (#"{"model":"tiny","prompt":"a","best_of":3}"#, "best_of"),
        (#"{"model":"tiny","prompt":"a","stream":true}"#, "stream"),
        (#"{"model":"tiny","prompt":"a","presence_penalty":0.5}"#, "presence_penalty"),
        (#"{"model":"tiny","prompt":"a","logit_bias":{"5":1}}"#, "logit_bias"),
        (#"{"model":"tiny","prompt":"a","suffix":"b"}"#, "suffix"),
        (#"{"model":"tiny","prompt":"a","echo":1}"#, "echo"),
        (#"{"model":"tiny","prompt":"a","seed":1.5}"#, "seed"),
        (#"{"model":"tiny","prompt":"a","messages":[]}"#, "messages"),
    ])
    func `a field that is wrong is named, with status 400`(body: String, field: String) async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let answer = try await api.post("/v1/completions", body)
            #expect(answer.status == 400)
            #expect(answer.headers[.contentType] == "application/problem+json")
            #expect(answer.json?["errors"]?.arrayValue?.first?["pointer"] == .string("/\(field)"))
            #expect(answer.json?["error"]?["param"] == .string(field))
            #expect(answer.json?["error"]?["type"] == "invalid_request_error")
            #expect(answer.json?["error"]?["message"]?.stringValue?.isEmpty == false)
        }
    }

    @Test func `too many prompts, and bodies that are none, are refused`() async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let prompts = Array(repeating: #""a""#, count: 65).joined(separator: ",")
            let many = try await api.post("/v1/completions", #"{"model":"tiny","prompt":[\#(prompts)]}"#)
            #expect(many.status == 400)
            #expect(many.json?["code"] == "limit_exceeded")
            #expect(try await api.post("/v1/completions", "[]").status == 400)
            #expect(try await api.post("/v1/completions", "{").status == 400)
            #expect(try await api.post("/v1/completions").status == 415)
            #expect(try await api.get("/v1/completions").status == 405)
        }
    }

    @Test func `a refusal never quotes what was sent`() async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            for body in [
                #"{"model":"canary-7","prompt":"canary-7","n":2}"#, #"{"model":"tiny","prompt":["canary-7",1]}"#,
                #"{"model":"tiny","prompt":"a","stop":["canary-7","","","",""]}"#,
                #"{"model":"tiny","prompt":"a","canary-7":1}"#,
            ] {
                let answer = try await api.post("/v1/completions", body)
                #expect(answer.status == 400)
                #expect(!answer.text.contains("canary"))
            }
            #expect(!bench.log.text.contains("canary"))
        }
    }
}
