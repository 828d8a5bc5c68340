import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import LetheCore
import LetheService
import LetheStore
import Logging
import ServiceLifecycle
import Synchronization
import Testing

/// A store in a fresh folder with one registered model, and the HTTP interface over it.
final class ServiceBench: Sendable {
    let folder: URL
    let database: LetheDatabase
    let models = FakeModels()
    let log = LogRecorder()

    init(
        models names: [String] = ["tiny"], folder: URL? = nil, failPoints: FailPoints = FailPoints(),
        admission configure: (inout AdmissionLimits) -> Void = { _ in }
    ) async throws {
        var admission = AdmissionLimits()
        configure(&admission)
        self.folder =
            folder
            ?? FileManager.default.temporaryDirectory.appendingPathComponent("lethe-http-\(UUID().uuidString)")
        database = try LetheDatabase(
            directory: DataDirectory(self.folder), admission: admission, failPoints: failPoints)
        let known = Set(try await database.models().map(\.name))
        for name in names where !known.contains(name) { try await register(name) }
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func register(_ name: String) async throws {
        _ = try await database.registerModel(
            PublishedGeneration(
                model: name, number: 0, folder: "0-0123456789ab", manifestDigest: Data(repeating: 7, count: 32),
                parentNumber: nil, parentDigest: nil, byteCount: 1000))
    }

    /// The interface under test.
    func application(
        onListening: @escaping @Sendable (Int) async -> Void = { _ in },
        configure: (inout HTTPConfiguration) -> Void = { _ in }
    ) throws -> some ApplicationProtocol {
        var configuration = HTTPConfiguration(port: 0)
        configure(&configuration)
        return try LetheHTTP.application(
            database: database, models: models, configuration: configuration, logger: log.logger,
            onListening: onListening)
    }

    /// Runs `body` against the router, without a socket.
    func routed<Value: Sendable>(
        _ configure: (inout HTTPConfiguration) -> Void = { _ in },
        _ body: @escaping @Sendable (Exchanger) async throws -> Value
    ) async throws -> Value {
        try await application(configure: configure).test(.router) { try await body(Exchanger(client: $0)) }
    }

    /// Runs `body` with the port of a listening server, and shuts it down in an orderly way.
    func listening<Value: Sendable>(
        _ configure: (inout HTTPConfiguration) -> Void = { _ in },
        _ body: @escaping @Sendable (Int) async throws -> Value
    ) async throws -> Value {
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let application = try application(onListening: { port.yield($0) }, configure: configure)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(services: [application], logger: log.logger))
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                defer { port.finish() }
                try await group.run()
            }
            guard let bound = await ports.first(where: { _ in true }) else { throw BenchError.notListening }
            let result: Result<Value, any Error>
            do { result = .success(try await body(bound)) } catch { result = .failure(error) }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            return try result.get()
        }
    }
}

enum BenchError: Error {
    case notListening, connectionFailed
}

/// Models that are always ready and accept every request, and remember what they were told.
final class FakeModels: ServedModels {
    private struct State {
        var reason: String?
        var refusal: LetheError?
        var wakeUps = 0
        var moved: [String] = []
        var completion: (@Sendable (CompletionRequest) async throws -> CompletionResponse)?
    }

    private let state = Mutex(State())

    var wakeUps: Int { state.withLock { $0.wakeUps } }
    var moved: [String] { state.withLock { $0.moved } }

    func setNotReady(_ reason: String?) { state.withLock { $0.reason = reason } }
    func setRefusal(_ error: LetheError?) { state.withLock { $0.refusal = error } }

    func setCompletion(_ body: @escaping @Sendable (CompletionRequest) async throws -> CompletionResponse) {
        state.withLock { $0.completion = body }
    }

    func complete(_ request: CompletionRequest) async throws -> CompletionResponse {
        guard let body = state.withLock({ $0.completion }) else { throw LetheError(.unavailable, "no model here") }
        return try await body(request)
    }

    func readiness() async -> (ready: Bool, reason: String?) {
        state.withLock { ($0.reason == nil, $0.reason) }
    }

    func validate(_ request: ErasureRequest) async throws {
        if let refusal = state.withLock({ $0.refusal }) { throw refusal }
    }

    func wakeWorker() { state.withLock { $0.wakeUps += 1 } }

    func headMoved(model: String) { state.withLock { $0.moved.append(model) } }
}

/// Sends requests and reads answers as JSON.
struct Exchanger: Sendable {
    let client: any TestClientProtocol

    struct Answer: Sendable {
        let status: Int
        let headers: HTTPFields
        let body: Data

        var json: JSONValue? { try? JSONParser.parse(body, context: "answer") }
        var code: String? { json?["code"]?.stringValue }
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    func send(
        _ method: HTTPRequest.Method, _ uri: String, headers: HTTPFields = [:], body: Data? = nil
    ) async throws -> Answer {
        let response = try await client.executeRequest(
            uri: uri, method: method, headers: headers, body: body.map { ByteBuffer(bytes: $0) })
        return Answer(
            status: response.status.code, headers: response.headers, body: Data(String(buffer: response.body).utf8))
    }

    func get(_ uri: String, headers: HTTPFields = [:]) async throws -> Answer {
        try await send(.get, uri, headers: headers)
    }

    func post(_ uri: String, _ json: String? = nil, headers: HTTPFields = [:]) async throws -> Answer {
        var headers = headers
        if json != nil, headers[.contentType] == nil { headers[.contentType] = "application/json" }
        return try await send(.post, uri, headers: headers, body: json.map { Data($0.utf8) })
    }

    /// Submits a body under a key.
    func submit(_ json: String, key: String = UUID().uuidString, headers: HTTPFields = [:]) async throws -> Answer {
        var headers = headers
        headers[HTTPField.Name("Idempotency-Key")!] = key
        return try await post("/v1/requests", json, headers: headers)
    }

    /// Submits an ordinary request and gives its id.
    func submitted(_ text: String = "Name: Ada Example", extra: String = "") async throws -> String {
        let answer = try await submit(#"{"category":"personal","items":[{"text":"\#(text)"}]\#(extra)}"#)
        try #require(answer.status == 202)
        return try #require(answer.json?["id"]?.stringValue)
    }
}

/// Keeps what is logged, in the form in which a handler would print it.
final class LogRecorder: Sendable {
    private let lines = Mutex<[String]>([])

    var text: String { lines.withLock { $0.joined(separator: "\n") } }

    var logger: Logger {
        var logger = Logger(label: "test") { _ in Handler(recorder: self) }
        logger.logLevel = .trace
        return logger
    }

    private struct Handler: LogHandler {
        let recorder: LogRecorder
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level = .trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let all = metadata.merging(event.metadata ?? [:]) { $1 }
            recorder.lines.withLock { $0.append("\(event.level) \(event.message) \(all)") }
        }
    }
}
