import Foundation
import LetheCore
import ServiceLifecycle

/// Writes events as server-sent events until what they are about has ended or the daemon stops.
struct EventFollower: Sendable {
    /// Where the events come from.
    struct Source: Sendable {
        /// One event.
        struct Event: Sendable {
            var sequence: Int64
            var kind: String
            var json: JSONValue
        }

        /// Tells that there may be new ones.
        var announcements: @Sendable () -> AsyncStream<Int64>
        /// Whether no more can come.
        var hasEnded: @Sendable () async throws -> Bool
        /// Those after a sequence, so many at most.
        var events: @Sendable (_ after: Int64, _ limit: Int) async throws -> [Event]
    }

    /// When clients that lost the connection come back.
    private static let retryMilliseconds = 2000
    private static let pageSize = 100
    /// The least time between two looks, so that a busy store is not asked once for every commit.
    private static let leastInterval = Duration.milliseconds(20)

    let source: Source
    let pingInterval: Duration

    /// - Parameters:
    ///   - after: The last sequence that the client has.
    ///   - write: Sends bytes; throws when the client is gone.
    /// - Throws: What `write` throws, and the errors of the store.
    func run(after: Int64, _ write: (Data) async throws -> Void) async throws {
        // One signal for every reason to look: something was committed, it is time for a comment, or the end.
        let (signals, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let announcements = source.announcements()
        let interval = pingInterval
        signal.yield()
        try await withGracefulShutdownHandler {
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { group.cancelAll() }
                group.addTask {
                    for await _ in announcements { signal.yield() }
                    signal.finish()
                }
                group.addTask {
                    while true {
                        try await Task.sleep(for: interval)
                        signal.yield()
                    }
                }
                try await follow(after: after, signals, write)
            }
        } onGracefulShutdown: {
            signal.finish()
        }
    }

    private func follow(after: Int64, _ signals: AsyncStream<Void>, _ write: (Data) async throws -> Void) async throws {
        try await write(ServerSentEvent.retry(milliseconds: Self.retryMilliseconds))
        var last = after
        var lastWrite = ContinuousClock.now
        for await _ in signals {
            let start = ContinuousClock.now
            // The state is read first: if it is final, the events read after it are all there are.
            let isFinal = try await source.hasEnded()
            var count: Int
            repeat {
                let page = try await source.events(last, Self.pageSize)
                count = page.count
                for event in page {
                    try await write(
                        ServerSentEvent.event(id: event.sequence, type: event.kind, data: event.json.serialized()))
                    last = event.sequence
                    lastWrite = ContinuousClock.now
                }
            } while count == Self.pageSize
            if isFinal { return }
            if ContinuousClock.now - lastWrite >= pingInterval {
                try await write(ServerSentEvent.ping)
                lastWrite = ContinuousClock.now
            }
            try await Task.sleep(until: start + Self.leastInterval)
        }
        try Task.checkCancellation()
    }
}
