import Foundation
import LetheCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// `lethe serve` on a free port of this machine. Killed at the latest when its object goes.
package final class DaemonProcess: Sendable {
    /// The process.
    package let process: ChildProcess
    /// Where it listens.
    package let port: Int
    /// The line that it wrote once it listened.
    package let announcement: JSONValue

    private init(_ process: ChildProcess, _ port: Int, _ announcement: JSONValue) {
        self.process = process
        self.port = port
        self.announcement = announcement
    }

    /// Starts a daemon and waits until it listens.
    /// - Throws: `unavailable` when it ends before that or takes too long.
    package static func start(
        _ lethe: LetheBinary, dataDirectory: URL, arguments: [String] = [], environment: [String: String] = [:]
    ) async throws -> DaemonProcess {
        try await start(
            program: lethe.path,
            ["serve", "--data-dir", dataDirectory.path, "--port", "0", "--threads", "1"] + arguments,
            environment: environment)
    }

    /// Starts a program that becomes a daemon, and waits until that listens.
    /// - Throws: as ``start(_:dataDirectory:arguments:environment:)``.
    package static func start(
        program: String, _ arguments: [String], environment: [String: String] = [:]
    ) async throws -> DaemonProcess {
        try await Blocking.run {
            let process = try ChildProcess(program, arguments, environment: environment)
            let line = try process.line(timeout: .seconds(120))
            let announcement = try JSONParser.parse(Data(line.utf8), context: "the daemon's output")
            guard let url = announcement["listening"]?.stringValue, let colon = url.lastIndex(of: ":"),
                let port = Int(url[url.index(after: colon)...])
            else { throw LetheError(.unavailable, "the daemon did not say where it listens") }
            return DaemonProcess(process, port, announcement)
        }
    }

    /// Its address, for `--url`.
    package var url: String { "http://127.0.0.1:\(port)" }

    /// Asks it to end, and waits until it has.
    package func stop() async throws -> Finished {
        process.signal(SIGTERM)
        return try await Blocking.run { [process] in try process.finish(timeout: .seconds(120)) }
    }

    /// Sends one request.
    package func call(
        _ method: String, _ path: String, headers: [String: String] = [:], body: Data? = nil
    ) async throws -> HTTPExchange.Answer {
        try await HTTPExchange(port, method, path, headers: headers, body: body).answer()
    }

    /// GET, and the JSON of the answer, which has to be a success.
    package func get(_ path: String) async throws -> JSONValue {
        let answer = try await call("GET", path)
        guard answer.status == 200 else {
            throw LetheError(
                .badData, "GET \(path): status \(answer.status): \(String(decoding: answer.body, as: UTF8.self))")
        }
        return try answer.json
    }

    /// Returns once the head is in the worker's memory.
    /// - Throws: `unavailable` when it is not there after a minute.
    package func waitUntilReady() async throws {
        for _ in 0..<1_200 {
            if try await call("GET", "/readyz").status == 200 { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw LetheError(.unavailable, "the daemon does not become ready")
    }

    /// The names of all requests, page by page.
    package func requestIDs() async throws -> [String] {
        var ids: [String] = []
        var query = "limit=200"
        while true {
            let page = try await get("/v1/requests?\(query)")
            ids += (page["data"]?.arrayValue ?? []).compactMap { $0["id"]?.stringValue }
            guard let next = page["next_cursor"]?.stringValue else { return ids }
            query = "limit=200&cursor=\(next)"
        }
    }

    /// Submits a request.
    package func submit(_ body: JSONValue, key: String) async throws -> HTTPExchange.Answer {
        try await call("POST", "/v1/requests", headers: ["Idempotency-Key": key], body: body.serialized())
    }

    /// Reads the event stream of a request until the daemon closes it because the request has ended.
    /// - Returns: the request then.
    package func waitForEnd(of id: String) async throws -> JSONValue {
        let stream = try await call("GET", "/v1/requests/\(id)/events", headers: ["Accept": "text/event-stream"])
        guard stream.status == 200 else { throw LetheError(.badData, "event stream: status \(stream.status)") }
        return try await get("/v1/requests/\(id)")
    }
}
