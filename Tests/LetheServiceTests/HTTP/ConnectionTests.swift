import Foundation
import LetheCore
import LetheService
import LetheStore
import Testing

/// What arrives on the socket before it is a request.
@Suite(.timeLimit(.minutes(1)))
struct ConnectionTests {
    private static let body = #"{"category":"other","items":[{"text":"canary-socket"}]}"#

    private static func submission(_ headers: String, body: String = body) -> Data {
        let lines = [
            "POST /v1/requests HTTP/1.1", "Host: localhost", "Content-Type: application/json", "Idempotency-Key: k",
            headers, "", body,
        ]
        return Data(lines.joined(separator: "\r\n").utf8)
    }

    private static func status(_ answer: String) -> Int? {
        answer.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: Data
        let statuses: Set<Int>

        init(_ name: String, _ text: String, _ statuses: Set<Int> = [400]) {
            self.init(name, Data(text.utf8), statuses)
        }

        init(_ name: String, _ bytes: Data, _ statuses: Set<Int> = [400]) {
            self.name = name
            self.bytes = bytes
            self.statuses = statuses
        }

        var testDescription: String { name }
    }

    static let malformed: [Case] = [
        Case("noise", "\u{1}\u{2}\u{3}\r\n\r\n"),
        Case("TLS hello", Data([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03])),
        Case("no version", "GET /livez\r\n\r\n"),
        Case("version 3", "GET /livez HTTP/3.0\r\nHost: localhost\r\n\r\n"),
        Case("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        Case("unknown method", "NONSENSE /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        Case("header without a colon", "GET /livez HTTP/1.1\r\nHost: localhost\r\nnothing\r\n\r\n"),
        Case("folded header", "GET /livez HTTP/1.1\r\nHost: localhost\r\nA: b\r\n c\r\n\r\n", [200, 400]),
        Case("NUL in a header", Data("GET /livez HTTP/1.1\r\nHost: localhost\r\nA: b\u{0}c\r\n\r\n".utf8)),
        Case("no Host", "GET /livez HTTP/1.1\r\n\r\n"),
        Case("foreign Host", "GET /livez HTTP/1.1\r\nHost: evil.example\r\n\r\n", [421]),
        Case("blank in the target", "GET /li vez HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        Case("two lengths", submission("Content-Length: \(body.utf8.count)\r\nContent-Length: 3")),
        Case("length and chunks", submission("Content-Length: \(body.utf8.count)\r\nTransfer-Encoding: chunked")),
        Case("negative length", submission("Content-Length: -1")),
        Case("length that is no number", submission("Content-Length: abc")),
        Case("length over 2^64", submission("Content-Length: 99999999999999999999999")),
        Case("bad chunk size", submission("Transfer-Encoding: chunked", body: "zz\r\nabc\r\n0\r\n\r\n")),
        Case("unknown transfer encoding", submission("Transfer-Encoding: gzip"), [400]),
        Case("truncated body", submission("Content-Length: 1000")),
        Case("truncated chunk", submission("Transfer-Encoding: chunked", body: "ff\r\n{\"category\"")),
        Case(
            "huge header",
            "GET /livez HTTP/1.1\r\nHost: localhost\r\nA: \(String(repeating: "a", count: 20_000))\r\n\r\n", [431]),
        Case(
            "giant header",
            "GET /livez HTTP/1.1\r\nHost: localhost\r\nA: \(String(repeating: "a", count: 900_000))\r\n\r\n", [431]),
        Case(
            "many headers",
            "GET /livez HTTP/1.1\r\nHost: localhost\r\n\(String(repeating: "A: b\r\n", count: 500))\r\n", [431]),
        Case("long target", "GET /\(String(repeating: "a", count: 5000)) HTTP/1.1\r\nHost: localhost\r\n\r\n", [414]),
        Case(
            "giant target", "GET /\(String(repeating: "a", count: 900_000)) HTTP/1.1\r\nHost: localhost\r\n\r\n",
            [414, 431]),
        Case("announced body over the limit", submission("Content-Length: 1048577", body: ""), [413]),
        Case("asterisk", "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", [404]),
        Case("CONNECT", "CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n", [400, 404, 405]),
    ]

    @Test(arguments: malformed)
    func `what is no proper request gets a problem document`(_ input: Case) async throws {
        let bench = try await ServiceBench()
        try await bench.listening { port in
            let answer = try await RawConnection.exchange(port: port, input.bytes)
            let status = try #require(Self.status(answer), "\(answer.prefix(200))")
            #expect(input.statuses.contains(status), "\(answer.prefix(300))")
            if status >= 400 {
                #expect(answer.lowercased().contains("content-type: application/problem+json"))
                #expect(answer.lowercased().contains("x-request-id: "))
            }
            #expect(!answer.contains("canary"))
            #expect(!bench.log.text.contains("canary"))
            // The daemon is as well as before.
            let health = try await RawConnection.exchange(
                port: port, Data("GET /livez HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nConnection: close\r\n\r\n".utf8))
            #expect(health.hasPrefix("HTTP/1.1 200"))
            #expect(try await bench.database.list().rows.isEmpty)
        }
    }

    @Test func `a chunked body is read, and stopped at the limit`() async throws {
        let bench = try await ServiceBench()
        try await bench.listening { port in
            let chunk = String(Self.body.utf8.count, radix: 16) + "\r\n\(Self.body)\r\n0\r\n\r\n"
            let accepted = try await RawConnection.exchange(
                port: port, Self.submission("Transfer-Encoding: chunked\r\nConnection: close", body: chunk))
            #expect(Self.status(accepted) == 202)
            let piece = "10000\r\n\(String(repeating: "a", count: 65536))\r\n"
            let refused = try await RawConnection.exchange(
                port: port,
                Self.submission(
                    "Transfer-Encoding: chunked\r\nConnection: close",
                    body: String(repeating: piece, count: 20) + "0\r\n\r\n"))
            #expect(Self.status(refused) == 413)
        }
    }

    @Test func `pipelined requests are answered in order`() async throws {
        let bench = try await ServiceBench()
        try await bench.listening { port in
            let one = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
            let two = "GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n"
            let answer = try await RawConnection.exchange(port: port, Data((one + two + one + "garbage\r\n\r\n").utf8))
            let statuses = answer.components(separatedBy: "HTTP/1.1 ").dropFirst().map { $0.prefix(3) }
            #expect(statuses == ["200", "404", "200", "400"])
        }
    }

    @Test func `headers that dribble in are cut off`() async throws {
        let bench = try await ServiceBench()
        try await bench.listening({ $0.limits.headerTimeout = .milliseconds(150) }) { port in
            let connection = try RawConnection(port: port)
            connection.send("GET /livez HTTP/1.1\r\nHost: loc")
            let answer = try await connection.readToEnd()
            #expect(Self.status(answer) == 408)
            #expect(answer.contains("request_timeout"))
            // A connection that never says anything is closed too.
            let silent = try RawConnection(port: port)
            #expect(Self.status(try await silent.readToEnd()) == 408)
        }
    }

    @Test func `a body that dribbles in is cut off`() async throws {
        let bench = try await ServiceBench()
        try await bench.listening({ $0.limits.bodyTimeout = .milliseconds(150) }) { port in
            let connection = try RawConnection(port: port)
            connection.send(Self.submission("Content-Length: 1000", body: "{"))
            let answer = try await connection.readToEnd()
            #expect(Self.status(answer) == 408)
            #expect(answer.contains("request_timeout"))
            #expect(try await bench.database.list().rows.isEmpty)
        }
    }

    @Test func `a client that does not read its answers is dropped`() async throws {
        let bench = try await ServiceBench()
        try await bench.listening({
            $0.limits.writeTimeout = .milliseconds(150)
            $0.limits.connections = 1
        }) { port in
            let greedy = try RawConnection(port: port)
            let request = "GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
            greedy.send(String(repeating: request, count: 500))
            // There is room for one connection only: this one is answered once the other is gone.
            let waiting = try RawConnection(port: port)
            waiting.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(try await waiting.read { $0.contains("\"ok\"") }.hasPrefix("HTTP/1.1 200"))
        }
    }

    @Test func `a connection without requests is closed`() async throws {
        let bench = try await ServiceBench()
        try await bench.listening({
            $0.limits.idleTimeout = .milliseconds(150)
        }) { port in
            let connection = try RawConnection(port: port)
            connection.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            let answer = try await connection.readToEnd()
            #expect(Self.status(answer) == 200)
        }
    }

    @Test func `more connections than allowed wait for their turn`() async throws {
        let bench = try await ServiceBench()
        try await bench.listening({ $0.limits.connections = 2 }) { port in
            let held = try (0..<2).map { _ in try RawConnection(port: port) }
            for connection in held {
                connection.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
                _ = try await connection.read { $0.contains("\"ok\"") }
            }
            let waiting = try RawConnection(port: port)
            waiting.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            held[0].close()
            #expect(try await waiting.read { $0.contains("\"ok\"") }.hasPrefix("HTTP/1.1 200"))
        }
    }

    // MARK: - Who may talk to it

    @Test(arguments: [
        "0.0.0.0", "192.168.1.1", "10.0.0.1", "::", "example.org", "fe80::1", "", "127.0.0.1.example",
        "localhost.example", "128.0.0.1",
    ])
    func `an address that others can reach is refused`(host: String) async throws {
        let bench = try await ServiceBench()
        #expect {
            _ = try bench.application(configure: { $0.host = host })
        } throws: { ($0 as? LetheError)?.code == .forbidden }
    }

    @Test(arguments: ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
    func `a loopback address is taken`(host: String) async throws {
        let bench = try await ServiceBench()
        _ = try bench.application(configure: { $0.host = host })
    }

    @Test(arguments: [-1, 65536])
    func `a port that is none is refused`(port: Int) async throws {
        let bench = try await ServiceBench()
        #expect { _ = try bench.application(configure: { $0.port = port }) } throws: {
            ($0 as? LetheError)?.code == .usage
        }
    }

    @Test(arguments: [
        ("localhost", 200), ("LOCALHOST:80", 200), ("127.0.0.1:8475", 200), ("[::1]:8475", 200), ("127.9.9.9", 200),
        ("evil.example", 421), ("localhost.evil.example", 421), ("127.0.0.1.evil.example", 421), ("localhost:x", 421),
        ("[::1", 421), ("[::2]", 421), ("0.0.0.0", 421), ("169.254.169.254", 421), ("", 421),
    ])
    func `the Host header has to name this machine`(host: String, status: Int) async throws {
        let bench = try await ServiceBench()
        try await bench.listening { port in
            let answer = try await RawConnection.exchange(
                port: port, Data("GET /livez HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n".utf8))
            #expect(Self.status(answer) == status)
        }
    }

    @Test(arguments: [
        ("Origin: https://evil.example", 403), ("Origin: null", 403), ("Sec-Fetch-Site: cross-site", 403),
        ("Origin: http://localhost:3000", 202), ("Sec-Fetch-Site: same-origin", 202), ("X-Other: 1", 202),
    ])
    func `pages of other sites change nothing`(header: String, status: Int) async throws {
        let bench = try await ServiceBench()
        try await bench.listening { port in
            let answer = try await RawConnection.exchange(
                port: port, Self.submission("Content-Length: \(Self.body.utf8.count)\r\nConnection: close\r\n\(header)")
            )
            #expect(Self.status(answer) == status)
        }
    }
}
