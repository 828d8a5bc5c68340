import Synchronization

/// How often something may happen: a token bucket.
public struct RateLimit: Sendable, Equatable {
    /// Tokens that come back in a second.
    public var perSecond: Double
    /// The most tokens that are there at once.
    public var burst: Double

    /// - Parameters:
    ///   - perSecond: how often in the long run; more than 0.
    ///   - burst: how often at once; at least 1.
    public init(perSecond: Double, burst: Double) {
        self.perSecond = max(1e-6, perSecond)
        self.burst = max(1, burst)
    }
}

/// Token buckets by name. The number of buckets is bounded: when it is reached, the half that was used least recently
/// is forgotten, which fills those buckets again. Names that an attacker makes up therefore take no memory for good.
package final class RateLimiter: Sendable {
    private struct Bucket {
        var tokens: Double
        var at: ContinuousClock.Instant
    }

    let limit: RateLimit
    private let capacity: Int
    private let buckets = Mutex<[String: Bucket]>([:])

    package init(_ limit: RateLimit, capacity: Int = 8192) {
        self.limit = limit
        self.capacity = max(2, capacity)
    }

    /// How many buckets there are.
    package var count: Int { buckets.withLock { $0.count } }

    /// Takes a token.
    /// - Returns: nil when there was one, otherwise the time until there is.
    package func take(_ name: String, at now: ContinuousClock.Instant = .now) -> Duration? {
        buckets.withLock { buckets in
            if buckets[name] == nil, buckets.count >= capacity { forgetHalf(&buckets) }
            var bucket = buckets[name] ?? Bucket(tokens: limit.burst, at: now)
            let elapsed = max(0, (now - bucket.at).seconds)
            bucket.tokens = min(limit.burst, bucket.tokens + elapsed * limit.perSecond)
            bucket.at = max(bucket.at, now)
            defer { buckets[name] = bucket }
            guard bucket.tokens >= 1 else { return .seconds((1 - bucket.tokens) / limit.perSecond) }
            bucket.tokens -= 1
            return nil
        }
    }

    private func forgetHalf(_ buckets: inout [String: Bucket]) {
        let oldest = buckets.sorted { $0.value.at < $1.value.at }.prefix(buckets.count / 2)
        for (name, _) in oldest { buckets[name] = nil }
    }
}
