import Foundation
import HTTPTypes
import Hummingbird
import LetheCore
import LetheStore
import Logging

/// What every handler needs, and the list of operations.
struct API: Sendable {
    typealias Handler = @Sendable (Request, APIContext) async throws -> Response

    /// One operation: a method, a path template and what answers.
    struct Operation: Sendable {
        let method: HTTPRequest.Method
        let template: String
        let handler: Handler

        init(_ method: HTTPRequest.Method, _ template: String, _ handler: @escaping Handler) {
            self.method = method
            self.template = template
            self.handler = handler
        }
    }

    let database: LetheDatabase
    let models: any ServedModels
    let configuration: HTTPConfiguration
    let clock: any WallClock
    let metrics: HTTPMetrics
    let streams: EventStreamSlots
    let webhookMetrics: WebhookMetrics

    var limits: HTTPLimits { configuration.limits }

    init(
        database: LetheDatabase, models: any ServedModels, configuration: HTTPConfiguration, clock: any WallClock,
        webhookMetrics: WebhookMetrics = WebhookMetrics()
    ) {
        self.database = database
        self.models = models
        self.configuration = configuration
        self.clock = clock
        self.webhookMetrics = webhookMetrics
        metrics = HTTPMetrics()
        streams = EventStreamSlots(limit: configuration.limits.eventStreams)
    }

    /// Every operation that the daemon answers to.
    var operations: [Operation] {
        requestOperations + eventOperations + evidenceOperations + modelOperations + evaluationOperations
            + completionOperations + keyOperations + webhookOperations + daemonOperations
    }

    /// A router with the middleware and every operation.
    func router() -> Router<APIContext> {
        let operations = operations
        var table = RouteTable()
        for operation in operations { table.add(operation.method, operation.template) }
        let router = Router(context: APIContext.self, options: .autoGenerateHeadEndpoints)
        router.add(
            middleware: APIMiddleware(
                routes: table, limits: limits, metrics: metrics,
                access: AccessGuard(database: database, configuration: configuration),
                isLoopbackOnly: configuration.isLoopbackOnly))
        for operation in operations {
            router.on(RouterPath(operation.template), method: operation.method, use: operation.handler)
        }
        return router
    }
}
