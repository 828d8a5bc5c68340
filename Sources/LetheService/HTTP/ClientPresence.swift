import HTTPTypes
import NIOCore
import Synchronization

/// Whether the client of a connection is still there to take an answer.
struct ClientPresence: Sendable {
    let channel: any Channel

    /// Runs `body` and cancels it when the client closes the connection: what it works out would be for nobody.
    /// - Throws: what `body` throws; ``Problem`` with status 499, which nobody reads, when the client is gone.
    func cancelWhenGone<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let isGone = Gone()
        let task = Task { try await body() }
        await watch {
            isGone.flag.withLock { $0 = true }
            task.cancel()
        }
        defer { channel.eventLoop.execute { Self.guardian(of: channel)?.setOnLeave(nil) } }
        do {
            return try await withTaskCancellationHandler {
                try await task.value
            } onCancel: {
                task.cancel()
            }
        } catch is CancellationError where isGone.flag.withLock({ $0 }) {
            // A status of its own, so that a client that goes is no fault of the daemon in its metrics.
            throw Problem(
                HTTPResponse.Status(code: 499, reasonPhrase: "Client Closed Request"), "client_closed_request",
                "the client closed the connection")
        }
    }

    private final class Gone: Sendable {
        let flag = Mutex(false)
    }

    private func watch(_ action: @escaping @Sendable () -> Void) async {
        // Without a guard the channel is no socket, and cannot be closed by a client.
        try? await channel.eventLoop.submit { [channel] in Self.guardian(of: channel)?.setOnLeave(action) }.get()
    }

    /// Called on the event loop.
    private static func guardian(of channel: any Channel) -> ConnectionGuard? {
        try? channel.pipeline.syncOperations.handler(type: ConnectionGuard.self)
    }
}
