import LetheStore
import Synchronization

/// Counts attempts at deliveries by result.
final class WebhookMetrics: Sendable {
    private let counts = Mutex<[String: Int]>([:])

    func count(_ outcome: WebhookSender.Outcome) {
        let result =
            switch outcome {
            case .delivered: "delivered"
            case .failed(let failure, _, _): failure.rawValue
            }
        counts.withLock { $0[result, default: 0] += 1 }
    }

    /// Writes the counter `lethe_webhook_attempts_total`.
    func write(to text: inout PrometheusText) {
        let counts = counts.withLock { $0 }
        text.family("lethe_webhook_attempts_total", .counter, "Attempts to deliver an event to a webhook, by result.")
        for result in ["delivered"] + WebhookFailure.allCases.map(\.rawValue) {
            text.sample("lethe_webhook_attempts_total", [("result", result)], Double(counts[result] ?? 0))
        }
    }
}
