import Foundation
import HTTPTypes
import Hummingbird
import LetheCore
import LetheStore
import Logging
import NIOCore

/// The outermost layer of every exchange: request id, limits, error answers, common headers, access log and metrics.
///
/// No error passes it: what the layers below throw becomes a problem document, and what is a fault of the daemon is
/// logged with the request id and answered with a bare 500. Neither ever holds text of a request.
struct APIMiddleware: RouterMiddleware {
    typealias Context = APIContext

    let routes: RouteTable
    let limits: HTTPLimits
    let metrics: HTTPMetrics
    let access: AccessGuard
    /// Whether only requests that name this machine in `Host` are answered.
    let isLoopbackOnly: Bool

    func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        let start = ContinuousClock.now
        var context = context
        context.requestID = RequestIdentifier.of(request.headers)
        context.logger[metadataKey: "request_id"] = .string(context.requestID)
        let target = request.head.path ?? ""
        let route = target.utf8.count <= limits.targetBytes ? routes.match(target: target) : nil

        var response: Response
        do {
            response = try await answer(request, context: &context, target: target, route: route, next: next)
        } catch {
            response = problem(for: error, context: context).response(requestID: context.requestID)
        }
        if request.method == .head { response = response.createHeadResponse() }
        response.headers[.requestID] = context.requestID
        response.headers[.xContentTypeOptions] = "nosniff"
        if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }

        let seconds = (ContinuousClock.now - start).seconds
        let template = route?.template ?? RouteTable.unmatched
        metrics.observe(route: template, method: request.method, status: response.status.code, seconds: seconds)
        context.logger.info(
            "request",
            metadata: [
                "method": .string(HTTPMetrics.label(request.method)), "route": .string(template),
                "status": .stringConvertible(response.status.code),
                "duration_ms": .stringConvertible((seconds * 1000 * 1000).rounded() / 1000),
                "key": .string(context.caller.keyID ?? "-"),
            ])
        return response
    }

    private func answer(
        _ request: Request, context: inout APIContext, target: String,
        route: (template: String, methods: [HTTPRequest.Method])?,
        next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        try access.admit(from: context.address)
        try check(request, target: target)
        guard let route else { throw Problem.notFound }
        let allow = RouteTable.allow(route.methods)
        if request.method == .options {
            return Response(status: .noContent, headers: [.allow: allow])
        }
        guard route.methods.contains(request.method) || (request.method == .head && route.methods.contains(.get)) else {
            throw Problem(
                .methodNotAllowed, "method_not_allowed", "this address answers to \(allow)", headers: [.allow: allow])
        }
        context.caller = try access.caller(
            request, access: RouteTable.access(request.method, route.template), from: context.address)
        let actor = context.caller.keyID.map { AuditActor($0) } ?? .api
        return try await AuditActor.$current.withValue(actor) { [context] in try await next(request, context) }
    }

    /// What has to hold for every request, whatever it asks for.
    private func check(_ request: Request, target: String) throws {
        guard target.utf8.count <= limits.targetBytes else {
            throw Problem(.uriTooLong, "uri_too_long", "the limit of the request target is \(limits.targetBytes) bytes")
        }
        let headerBytes = request.headers.reduce(0) { $0 + $1.name.rawName.utf8.count + $1.value.utf8.count }
        guard headerBytes <= limits.headerBytes else {
            throw Problem(
                .requestHeaderFieldsTooLarge, "headers_too_large",
                "the limit of all headers is \(limits.headerBytes) bytes")
        }
        guard let authority = request.head.authority else { throw Problem.badRequest("the Host header is missing") }
        guard !isLoopbackOnly || LoopbackHost.isLoopback(authority: authority) else {
            throw Problem(.misdirectedRequest, "misdirected_request", "the Host header names another machine")
        }
        let isSafe = request.method == .get || request.method == .head || request.method == .options
        if !isSafe {
            let isForeign =
                request.headers[.origin].map { !LoopbackHost.isLoopback(origin: $0) } ?? false && isLoopbackOnly
            if isForeign || request.headers[.secFetchSite] == "cross-site" {
                throw Problem(.forbidden, "forbidden", "pages of other sites may not change anything here")
            }
        }
        if let encoding = request.headers[.contentEncoding], encoding.lowercased() != "identity" {
            throw Problem(.unsupportedMediaType, "unsupported_media_type", "compressed bodies are not accepted")
        }
    }

    private func problem(for error: any Error, context: APIContext) -> Problem {
        switch error {
        case let problem as Problem: return problem
        case let error as LetheError:
            if let problem = Problem(error) { return problem }
            context.logger.error("request failed", metadata: ["code": .string(error.code.rawValue)])
        case let error as HTTPError:
            // What the router itself throws; its message may quote the path, so it is dropped.
            return Problem(error.status, "bad_request", "the request cannot be answered")
        case is RequestBodyTimeout:
            return Problem(
                .requestTimeout, "request_timeout", "the body did not arrive in time", headers: [.connection: "close"])
        case is CancellationError:
            return Problem(.serviceUnavailable, "unavailable", "the daemon is stopping", headers: [.retryAfter: "5"])
        case is RequestBodyError:
            return Problem.badRequest("the request body could not be read")
        default:
            context.logger.error(
                "request failed", metadata: ["error_type": .string(String(describing: type(of: error)))])
        }
        return Problem(
            .internalServerError, LetheError.Code.internalError.rawValue,
            "the daemon failed; its log has the cause under this request id")
    }
}

extension Duration {
    /// The duration in seconds.
    var seconds: Double {
        let (whole, attoseconds) = components
        return Double(whole) + Double(attoseconds) * 1e-18
    }
}
