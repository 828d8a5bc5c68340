import Foundation
import LetheCore

/// How often and how long a download is tried.
public struct HubRetry: Sendable {
    /// Tries in a row that may bring nothing.
    public var attempts = 6
    /// The wait after the first failure; each further one is twice as long.
    public var firstWait: Duration = .seconds(1)
    /// The longest wait that is chosen here.
    public var longestWait: Duration = .seconds(60)
    /// The longest wait that a hub may ask for.
    public var longestAskedWait: Duration = .seconds(600)
    /// How to wait.
    public var sleep: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }

    /// The default.
    public init() {}

    /// Something that may pass.
    struct Passing: Error {
        var error: LetheError
        /// What the hub asked for.
        var wait: Duration?
    }

    /// The wait after so many failures in a row, with a quarter of chance in it so that many clients do not come back
    /// together.
    func wait(after failures: Int) -> Duration {
        let doublings = max(0, min(failures - 1, 20))
        let wait = min(longestWait, firstWait * (1 << doublings))
        return wait * Double.random(in: 0.75...1)
    }

    /// Runs `body` until it succeeds, fails for good, or has failed too often.
    /// - Parameter hasProgressed: whether the last try brought something, after which the count begins anew.
    func run<Value>(
        hasProgressed: () -> Bool = { false }, _ body: () async throws -> Value
    ) async throws -> Value {
        var failures = 0
        while true {
            do {
                return try await body()
            } catch let passing as Passing {
                failures = hasProgressed() ? 1 : failures + 1
                guard failures < attempts else { throw passing.error }
                if let asked = passing.wait {
                    guard asked <= longestAskedWait else {
                        throw LetheError(
                            .unavailable, "the hub asks to come back in \(asked.components.seconds) s; try again then")
                    }
                    try await sleep(asked)
                } else {
                    try await sleep(wait(after: failures))
                }
            }
        }
    }

    /// What `Retry-After` asks for: seconds, or a date.
    static func asked(_ header: String?, now: Date = Date()) -> Duration? {
        guard let header else { return nil }
        if let seconds = QueryParameters.decimal(header) { return .seconds(min(seconds, 86_400)) }
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "GMT")
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss zzz"
        return formatter.date(from: header).map { .seconds(max(0, min(86_400, $0.timeIntervalSince(now)))) }
    }
}
