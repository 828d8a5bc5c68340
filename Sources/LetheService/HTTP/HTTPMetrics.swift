import HTTPTypes
import Synchronization

/// Durations of answered requests, by route template, method and status.
///
/// Every label is from a closed set, so the number of series has a bound that no client can move.
final class HTTPMetrics: Sendable {
    /// Upper bounds of the buckets in seconds; a last one without bound follows.
    static let buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    private struct Key: Hashable {
        let route: String
        let method: String
        let status: Int
    }

    private struct Series {
        var counts = [Int](repeating: 0, count: HTTPMetrics.buckets.count + 1)
        var sum = 0.0
    }

    private let series = Mutex<[Key: Series]>([:])

    /// Adds one exchange.
    /// - Parameter route: A template of the route table, or ``RouteTable/unmatched``; never a path.
    func observe(route: String, method: HTTPRequest.Method, status: Int, seconds: Double) {
        let key = Key(route: route, method: Self.label(method), status: status)
        let bucket = Self.buckets.firstIndex { seconds <= $0 } ?? Self.buckets.count
        series.withLock {
            $0[key, default: Series()].counts[bucket] += 1
            $0[key]?.sum += seconds
        }
    }

    /// Writes the histogram `http_request_duration_seconds`.
    func write(to text: inout PrometheusText) {
        let snapshot = series.withLock { $0 }
        let name = "http_request_duration_seconds"
        text.family(name, .histogram, "Time from a request's arrival to its answer's head.")
        for (key, series) in snapshot.sorted(by: {
            ($0.key.route, $0.key.method, $0.key.status) < ($1.key.route, $1.key.method, $1.key.status)
        }) {
            let labels = [("route", key.route), ("method", key.method), ("status", String(key.status))]
            var cumulative = 0
            for (index, count) in series.counts.enumerated() {
                cumulative += count
                let bound = index < Self.buckets.count ? String(Self.buckets[index]) : "+Inf"
                text.sample("\(name)_bucket", labels + [("le", bound)], Double(cumulative))
            }
            text.sample("\(name)_sum", labels, series.sum)
            text.sample("\(name)_count", labels, Double(cumulative))
        }
    }

    /// The method's name, or `other` for one that the interface does not know.
    static func label(_ method: HTTPRequest.Method) -> String {
        [.get, .head, .post, .put, .patch, .delete, .options].contains(method) ? method.rawValue : "other"
    }
}
