import Foundation

/// Where a benchmark run stands.
public struct BenchmarkProgress: Sendable {
    /// What is being done, such as `fit, seed 20: request 3 of 60`.
    public var phase: String
    /// The share of the phase that is done, 0 to 1.
    public var share: Double
    /// The share of the whole run, by time; nil until something of each kind of work has been timed.
    public var overall: Double?
    /// Estimated seconds to the end; nil as long as it cannot be known.
    public var secondsLeft: Double?
}

/// Counts pieces of work by kind and estimates from those that were timed how long the rest takes.
struct WorkEstimate {
    private struct Kind {
        var left = 0
        var done = 0
        var seconds = 0.0
    }

    private var kinds: [String: Kind] = [:]
    private var spent = 0.0

    /// Adds pieces that have to be done.
    mutating func expect(_ kind: String, _ count: Int = 1) { kinds[kind, default: Kind()].left += count }

    /// Takes back pieces that turn out to be done already.
    mutating func skip(_ kind: String, _ count: Int = 1) { kinds[kind, default: Kind()].left -= count }

    /// Counts a piece as done.
    mutating func finish(_ kind: String, seconds: Double) {
        kinds[kind, default: Kind()].left -= 1
        kinds[kind, default: Kind()].done += 1
        kinds[kind, default: Kind()].seconds += seconds
        spent += seconds
    }

    /// Seconds that the rest takes, less what is done of the current piece. Nil while a kind that is still to come has
    /// never been timed, unless it is a request, whose time other methods' requests tell.
    func secondsLeft(current: String, share: Double, elapsed: Double) -> Double? {
        let requests = kinds.filter { $0.key.hasPrefix("request ") && $0.value.done > 0 }.values
        let requestCount = requests.reduce(0) { $0 + $1.done }
        var total = 0.0
        for (name, kind) in kinds where kind.left > 0 {
            let rate: Double
            if kind.done > 0 {
                rate = kind.seconds / Double(kind.done)
            } else if name == current, share > 0.1 {
                rate = elapsed / share
            } else if name.hasPrefix("request "), requestCount > 0 {
                rate = requests.reduce(0) { $0 + $1.seconds } / Double(requestCount)
            } else {
                return nil
            }
            total += rate * max(0, Double(kind.left) - (name == current ? share : 0))
        }
        return total
    }

    /// The share of all work that is done, by time.
    func overall(current: String, share: Double, elapsed: Double) -> Double? {
        secondsLeft(current: current, share: share, elapsed: elapsed).map { left in
            let done = spent + elapsed
            return left + done > 0 ? done / (left + done) : 1
        }
    }
}
