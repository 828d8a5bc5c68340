import Foundation
import HTTPTypes
import LetheCore
import LetheService
import LetheStore
import Testing

@Suite(.timeLimit(.minutes(1)))
struct EventsAPITests {
    private static let stream: HTTPFields = [.accept: "text/event-stream"]
    private static let lastEventID = HTTPField.Name("Last-Event-ID")!

    private struct Event {
        var id: Int
        var type: String
        var json: JSONValue
    }

    /// The events of a finished stream.
    private static func parse(_ text: String) throws -> [Event] {
        try text.components(separatedBy: "\n\n").compactMap { block in
            var fields: [Substring: Substring] = [:]
            for line in block.split(separator: "\n") {
                guard let colon = line.firstIndex(of: ":") else { continue }
                fields[line[..<colon]] = line[line.index(after: colon)...].drop { $0 == " " }
            }
            guard let data = fields["data"] else { return nil }
            return Event(
                id: try #require(fields["id"].flatMap { Int($0) }), type: String(try #require(fields["event"])),
                json: try JSONParser.parse(Data(data.utf8), context: "event"))
        }
    }

    /// A request that was claimed and then cancelled.
    private static func endedRequest(_ api: Exchanger, _ bench: ServiceBench) async throws -> String {
        let id = try await api.submitted()
        _ = try await bench.database.claimNext()
        _ = try await api.post("/v1/requests/\(id)/cancel")
        return id
    }

    @Test func `events come as pages`() async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let id = try await Self.endedRequest(api, bench)
            let all = try await api.get("/v1/requests/\(id)/events")
            let events = try #require(all.json?["data"]?.arrayValue)
            #expect(events.map { $0["kind"] } == ["submitted", "claim", "cancel"])
            #expect(events.map { $0["to"] } == ["queued", "running", "cancelled"])
            #expect(all.json?["has_more"] == false)
            #expect(all.headers[HTTPField.Name("Link")!] == nil)
            var seen: [JSONValue] = []
            var address: String? = "/v1/requests/\(id)/events?limit=1"
            while let uri = address {
                let page = try await api.get(uri)
                seen += page.json?["data"]?.arrayValue ?? []
                let link = page.headers[HTTPField.Name("Link")!]
                #expect((link != nil) == (page.json?["has_more"] == true))
                address = link.flatMap { $0.split(separator: ">").first.map { String($0.dropFirst()) } }
            }
            #expect(seen == events)
        }
    }

    @Test func `a stream of a request that has ended brings everything and closes`() async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let id = try await Self.endedRequest(api, bench)
            let page = try await api.get("/v1/requests/\(id)/events").json?["data"]?.arrayValue
            let answer = try await api.get("/v1/requests/\(id)/events", headers: Self.stream)
            #expect(answer.status == 200)
            #expect(answer.headers[.contentType] == "text/event-stream")
            #expect(answer.headers[.cacheControl]?.contains("no-store") == true)
            #expect(answer.headers[HTTPField.Name("X-Accel-Buffering")!] == "no")
            #expect(answer.text.hasPrefix("retry: "))
            let events = try Self.parse(answer.text)
            #expect(events.map(\.json) == page)
            #expect(events.map(\.type) == ["submitted", "claim", "cancel"])
            #expect(events.map(\.id) == page?.compactMap { $0["sequence"]?.intValue })
        }
    }

    @Test func `a stream resumes after the last event that the client has`() async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let id = try await Self.endedRequest(api, bench)
            let uri = "/v1/requests/\(id)/events"
            let events = try Self.parse(try await api.get(uri, headers: Self.stream).text)
            for (index, event) in events.enumerated().dropLast() {
                var headers = Self.stream
                headers[Self.lastEventID] = String(event.id)
                let rest = try Self.parse(try await api.get(uri, headers: headers).text)
                #expect(rest.map(\.id) == events[(index + 1)...].map(\.id))
                let byQuery = try Self.parse(try await api.get("\(uri)?after=\(event.id)", headers: Self.stream).text)
                #expect(byQuery.map(\.id) == rest.map(\.id))
            }
            // Nothing is left to come for: 204 stops a browser from connecting again.
            var headers = Self.stream
            headers[Self.lastEventID] = String(try #require(events.last?.id))
            let done = try await api.get(uri, headers: headers)
            #expect(done.status == 204)
            headers[Self.lastEventID] = "9223372036854775807"
            #expect(try await api.get(uri, headers: headers).status == 204)
        }
    }

    @Test(arguments: [
        "-1", "x", "1.0", "", "1 2", "9223372036854775808", String(repeating: "9", count: 4000), "0x1", "１",
    ])
    func `a Last-Event-ID that was never given is refused`(value: String) async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let id = try await api.submitted()
            var headers = Self.stream
            headers[Self.lastEventID] = value
            let answer = try await api.get("/v1/requests/\(id)/events", headers: headers)
            #expect(answer.status == 400)
        }
    }

    @Test(arguments: [
        ("text/event-stream", true), ("TEXT/Event-Stream", true), ("application/json, text/event-stream", true),
        ("application/json, text/event-stream;q=0.5", false), ("text/event-stream;q=0", false), ("*/*", false),
        ("application/json", false), ("", false),
    ])
    func `the form of the answer is negotiated`(accept: String, isStream: Bool) async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let id = try await Self.endedRequest(api, bench)
            let answer = try await api.get("/v1/requests/\(id)/events", headers: [.accept: accept])
            #expect(answer.status == 200)
            #expect(answer.headers[.contentType] == (isStream ? "text/event-stream" : "application/json"))
        }
    }

    @Test func `a stream follows a request to its end`() async throws {
        let bench = try await ServiceBench()
        try await bench.listening { port in
            let client = try DaemonClient(url: "http://127.0.0.1:\(port)")
            let body = Data(#"{"category":"other","items":[{"text":"x"}]}"#.utf8)
            let id = try #require(try await client.submit(body, idempotencyKey: "k")["id"]?.stringValue)
            let (kinds, kind) = AsyncStream.makeStream(of: String.self)
            async let watched: Void = {
                try await client.watch(id) { kind.yield($0["kind"]?.stringValue ?? "?") }
                kind.finish()
            }()
            var received: [String] = []
            for await name in kinds {
                received.append(name)
                // Each step is taken only after the one before has come through the stream.
                switch name {
                case "submitted": _ = try await bench.database.claimNext()
                case "claim":
                    _ = try await client.cancel(id)
                default: break
                }
            }
            try await watched
            #expect(received == ["submitted", "claim", "cancel"])
        }
    }

    @Test func `an idle stream carries comments`() async throws {
        let bench = try await ServiceBench()
        try await bench.listening({ $0.pingInterval = .milliseconds(30) }) { port in
            let id = try await RawConnection.submit(port: port)
            let connection = try RawConnection(port: port)
            connection.send(
                "GET /v1/requests/\(id)/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
            let text = try await connection.read { $0.components(separatedBy: ": ping\n\n").count > 3 }
            #expect(text.contains("retry: 2000"))
            connection.close()
        }
    }

    @Test func `the number of open streams has a limit, and closed ones free their place`() async throws {
        let bench = try await ServiceBench()
        try await bench.listening({
            $0.limits.eventStreams = 2
            $0.pingInterval = .milliseconds(30)
        }) { port in
            let id = try await RawConnection.submit(port: port)
            let request =
                "GET /v1/requests/\(id)/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"
            let first = try RawConnection(port: port)
            let second = try RawConnection(port: port)
            for connection in [first, second] {
                connection.send(request)
                _ = try await connection.read { $0.contains("event: submitted") }
            }
            let third = try RawConnection(port: port)
            third.send(request)
            let refusal = try await third.read { $0.contains("too_many_streams") }
            #expect(refusal.hasPrefix("HTTP/1.1 429"))
            first.close()
            // The place is free as soon as the daemon has noticed; until then the answer is 429 again.
            while true {
                let next = try RawConnection(port: port)
                defer { next.close() }
                next.send(request)
                if try await next.read({ $0.contains("\r\n\r\n") }).hasPrefix("HTTP/1.1 200") { break }
            }
        }
    }

    @Test func `a shutdown ends open streams`() async throws {
        let bench = try await ServiceBench()
        let connection = try await bench.listening { port in
            let id = try await RawConnection.submit(port: port)
            let connection = try RawConnection(port: port)
            connection.send(
                "GET /v1/requests/\(id)/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
            _ = try await connection.read { $0.contains("event: submitted") }
            return connection
        }
        let rest = try await connection.readToEnd()
        #expect(rest.hasSuffix("0\r\n\r\n"))
    }
}
