import Foundation
import HTTPTypes
import LetheCore
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// Limits how long one connection may take over a request's head and body, and answers what cannot be parsed with a
/// problem document where Hummingbird would send an empty 400.
///
/// A body that is late fails the handler that reads it with ``RequestBodyTimeout``. A client that does not read is
/// dropped. A connection is closed a little after the answer to either timeout or to a parse error, whether or not its
/// client goes on sending.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private enum Phase {
        case betweenRequests, readingHead, readingBody
    }

    /// How long the daemon has to write the answer to a request that was refused at this level.
    private static let answering = TimeAmount.seconds(30)
    /// How long a client has to take that answer once it is written.
    private static let lingering = TimeAmount.seconds(2)

    private let headerTimeout: TimeAmount
    private let bodyTimeout: TimeAmount
    private let writeTimeout: TimeAmount
    private var phase = Phase.betweenRequests
    private var timer: Scheduled<Void>?
    private var stall: Scheduled<Void>?
    private var rejection: Problem?
    /// Called once when the client goes; see ``ClientPresence``.
    private var onLeave: (@Sendable () -> Void)?
    private var hasLeft = false
    private var isClosing = false

    init(limits: HTTPLimits) {
        headerTimeout = TimeAmount(limits.headerTimeout)
        bodyTimeout = TimeAmount(limits.bodyTimeout)
        writeTimeout = TimeAmount(limits.writeTimeout)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        do {
            try context.pipeline.syncOperations.addHandler(
                FirstByteObserver { [self] in bytesArrived(context: context) }, position: .first)
        } catch {
            context.close(promise: nil)
        }
        if context.channel.isActive { startHead(context: context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        startHead(context: context)
        context.fireChannelActive()
    }

    /// Calls `action` when the client closes the connection, or its side of it; at once when it has. Replaces an
    /// earlier one; nil takes it back. Called on the event loop.
    func setOnLeave(_ action: (@Sendable () -> Void)?) {
        onLeave = action
        if hasLeft { leave() }
    }

    private func leave() {
        hasLeft = true
        onLeave?()
        onLeave = nil
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed { leave() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        timer?.cancel()
        timer = nil
        stall?.cancel()
        stall = nil
        context.fireChannelInactive()
    }

    /// A client that does not read what it asked for is dropped: its answer would be kept in memory, and its stream
    /// would hold a place.
    func channelWritabilityChanged(context: ChannelHandlerContext) {
        stall?.cancel()
        stall = nil
        if !context.channel.isWritable {
            stall = context.eventLoop.assumeIsolated().scheduleTask(in: writeTimeout) {
                context.close(promise: nil)
            }
        }
        context.fireChannelWritabilityChanged()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            phase = .readingBody
            schedule(after: bodyTimeout, context: context) { handler, context in
                context.fireErrorCaught(RequestBodyTimeout())
                handler.closeSoon(context: context)
            }
        case .body: break
        case .end:
            phase = .betweenRequests
            timer?.cancel()
            timer = nil
        }
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case HTTPParserError.headerOverflow:
            reject(
                Problem(.requestHeaderFieldsTooLarge, "headers_too_large", "the headers are over their limit"),
                context: context)
        case is HTTPParserError, is HTTP1TypeConversionError:
            reject(Problem.badRequest("the request is not valid HTTP/1.1"), context: context)
        default:
            context.fireErrorCaught(error)
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if isClosing, case .end = unwrapOutboundIn(data) { close(after: Self.lingering, context: context) }
        guard let problem = rejection, case .head(let head) = unwrapOutboundIn(data), head.status == .badRequest,
            head.headerFields[.requestID] == nil
        else {
            context.write(data, promise: promise)
            return
        }
        rejection = nil
        let requestID = UUID().uuidString.lowercased()
        let body = ByteBuffer(bytes: problem.json(requestID: requestID).serialized())
        let fields: HTTPFields = [
            .contentType: "application/problem+json", .contentLength: String(body.readableBytes),
            .connection: "close", .cacheControl: "no-store", .requestID: requestID,
        ]
        context.write(wrapOutboundOut(.head(HTTPResponse(status: problem.status, headerFields: fields))), promise: nil)
        context.write(wrapOutboundOut(.body(body)), promise: promise)
    }

    private func bytesArrived(context: ChannelHandlerContext) {
        if phase == .betweenRequests { startHead(context: context) }
    }

    private func startHead(context: ChannelHandlerContext) {
        phase = .readingHead
        schedule(after: headerTimeout, context: context) { handler, context in
            handler.reject(
                Problem(.requestTimeout, "request_timeout", "the headers did not arrive in time"), context: context)
        }
    }

    /// Makes Hummingbird answer in turn, after the requests before this one, and stop reading.
    private func reject(_ problem: Problem, context: ChannelHandlerContext) {
        if rejection == nil { rejection = problem }
        context.fireErrorCaught(HTTPParserError.unknown)
        closeSoon(context: context)
    }

    /// Closes the connection a little after the answer, or when there is none in time.
    private func closeSoon(context: ChannelHandlerContext) {
        isClosing = true
        close(after: Self.answering, context: context)
    }

    private func close(after delay: TimeAmount, context: ChannelHandlerContext) {
        schedule(after: delay, context: context) { _, context in context.close(promise: nil) }
    }

    private func schedule(
        after delay: TimeAmount, context: ChannelHandlerContext,
        _ action: @escaping (ConnectionGuard, ChannelHandlerContext) -> Void
    ) {
        timer?.cancel()
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: delay) { [weak self] in
            guard let self else { return }
            action(self, context)
        }
    }
}

/// Sits before the HTTP decoder, where bytes that are no complete head yet can be seen.
private final class FirstByteObserver: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let onRead: () -> Void

    init(_ onRead: @escaping () -> Void) { self.onRead = onRead }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        onRead()
        context.fireChannelRead(data)
    }
}
