import LetheService
import Testing

@Suite struct RateLimiterTests {
    @Test func `tokens come back at the rate, up to the burst`() {
        let limiter = RateLimiter(RateLimit(perSecond: 2, burst: 3))
        let start = ContinuousClock.now
        for _ in 0..<3 { #expect(limiter.take("a", at: start) == nil) }
        #expect(limiter.take("a", at: start) == .milliseconds(500))
        #expect(limiter.take("b", at: start) == nil)
        #expect(limiter.take("a", at: start + .milliseconds(400)) != nil)
        #expect(limiter.take("a", at: start + .milliseconds(500)) == nil)
        #expect(limiter.take("a", at: start + .milliseconds(500)) != nil)
        for _ in 0..<3 { #expect(limiter.take("a", at: start + .seconds(1000)) == nil) }
        #expect(limiter.take("a", at: start + .seconds(1000)) != nil)
        // Time that steps back gives nothing.
        #expect(limiter.take("a", at: start) != nil)
    }

    @Test func `names that are made up take bounded memory, and leave those in use alone`() {
        let limiter = RateLimiter(RateLimit(perSecond: 0.001, burst: 1), capacity: 100)
        let start = ContinuousClock.now
        #expect(limiter.take("busy", at: start) == nil)
        for number in 0..<10_000 {
            let now = start + .microseconds(number)
            _ = limiter.take("name \(number)", at: now)
            #expect(limiter.take("busy", at: now) != nil)
        }
        #expect(limiter.count <= 100)
    }
}
