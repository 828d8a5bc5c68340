import Foundation
import HTTPTypes
import Hummingbird
import LetheCore
import LetheService
import LetheStore
import Logging
import ServiceLifecycle
import Synchronization
import Testing

/// A receiver of webhooks that listens on a real socket, remembers what it is sent and answers as it is told.
final class WebhookReceiver: Sendable {
    /// One delivery as it arrived.
    struct Delivery: Sendable {
        let id: String
        let timestamp: String
        let signature: String
        let contentType: String
        let body: Data

        var json: JSONValue { (try? JSONParser.parse(body, context: "delivery")) ?? .null }
        var state: String? { json["data"]?["state"]?.stringValue }
    }

    /// What to answer to the delivery of this number, beginning with 0.
    typealias Script = @Sendable (Int, Delivery) -> (status: Int, headers: HTTPFields, body: String)

    private let script: Script
    private let arrived = Mutex<[Delivery]>([])
    private let arrivals: AsyncStream<Void>
    private let arrival: AsyncStream<Void>.Continuation

    init(_ script: @escaping Script = { _, _ in (204, [:], "") }) {
        self.script = script
        (arrivals, arrival) = AsyncStream.makeStream()
    }

    /// Everything so far.
    var deliveries: [Delivery] { arrived.withLock { $0 } }

    /// Waits until as many deliveries have come.
    func wait(for count: Int) async -> [Delivery] {
        if deliveries.count >= count { return deliveries }
        for await _ in arrivals where deliveries.count >= count { break }
        return deliveries
    }

    /// Runs `body` with the port while the receiver listens.
    func listening<Value: Sendable>(_ body: @escaping @Sendable (Int) async throws -> Value) async throws -> Value {
        let router = Router()
        let receive: @Sendable (Request, BasicRequestContext) async throws -> Response = { request, _ in
            let bytes = try await request.body.collect(upTo: 1 << 20)
            func header(_ name: String) -> String { HTTPField.Name(name).flatMap { request.headers[$0] } ?? "" }
            let delivery = Delivery(
                id: header("webhook-id"), timestamp: header("webhook-timestamp"),
                signature: header("webhook-signature"), contentType: header("content-type"),
                body: Data(bytes.readableBytesView))
            let number = self.arrived.withLock { arrived in
                arrived.append(delivery)
                return arrived.count - 1
            }
            let answer = self.script(number, delivery)
            self.arrival.yield()
            return Response(
                status: .init(code: answer.status), headers: answer.headers,
                body: ResponseBody(byteBuffer: ByteBuffer(string: answer.body)))
        }
        router.post("/", use: receive)
        router.post("**", use: receive)
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        var logger = Logger(label: "receiver")
        logger.logLevel = .critical
        let application = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { port.yield($0.localAddress?.port ?? 0) }, logger: logger)
        let group = ServiceGroup(configuration: ServiceGroupConfiguration(services: [application], logger: logger))
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

extension ServiceBench {
    /// Runs `body` while events are sent to webhooks, and waits until the dispatcher has ended.
    func dispatching<Value: Sendable>(
        _ configure: (inout WebhookPolicy) -> Void = { _ in },
        resolve: (@Sendable (String) async -> [String])? = nil,
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        var policy = WebhookPolicy()
        policy.allowsLoopback = true
        policy.waits = Array(repeating: .milliseconds(20), count: 3)
        configure(&policy)
        let dispatcher = LetheHTTP.webhookDispatcher(
            database: database, policy: policy, logger: log.logger, resolve: resolve)
        return try await withThrowingTaskGroup(of: Value?.self) { tasks in
            tasks.addTask {
                try await dispatcher.run()
                return nil
            }
            tasks.addTask { try await body() }
            defer { tasks.cancelAll() }
            // Whichever ends first: the body with its value, or the dispatcher with an error.
            while let value = try await tasks.next() {
                if let value { return value }
            }
            throw BenchError.notListening
        }
    }

    /// Submits a request past HTTP.
    @discardableResult
    func submit() async throws -> LetheCore.RequestID {
        let key = UUID().uuidString
        return try await database.submit(
            request: ErasureRequest(category: .other, items: [.text("canary-webhook")]), idempotencyKey: key,
            bodyDigest: Data(key.utf8)
        ).row.id
    }

    /// Waits until a webhook is as it should be.
    func webhook(_ id: String, until isEnough: (WebhookRow) -> Bool) async throws -> WebhookRow {
        while true {
            let row = try await database.webhook(id)
            if isEnough(row) { return row }
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}
