import Crypto
import Foundation
import LetheCore
import LetheStore

/// One event as it is sent: Standard Webhooks 1.0 (standardwebhooks.com), symmetric signatures.
///
/// The body is thin: ids, states and times, nothing of what a request is about. Whoever wants more asks the daemon,
/// with a key of its own.
package struct WebhookMessage: Sendable {
    /// The same for every attempt, and different for every event and endpoint: what a receiver drops repetitions by.
    package let id: String
    /// What is sent.
    package let body: Data

    /// - Parameter endpoint: the id of the endpoint.
    package init(_ event: EventRow, endpoint: String) {
        id = "msg_\(endpoint.dropFirst(3))_\(event.sequence)"
        func word(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
        let json: JSONValue = [
            "type": .string("request.\(event.to?.rawValue ?? "event")"),
            "timestamp": .string(Timestamp.string(event.at)),
            "data": [
                "request_id": word(event.requestID?.rawValue), "state": word(event.to?.rawValue),
                "previous_state": word(event.from?.rawValue), "event": .string(event.kind),
                "sequence": .integer(event.sequence),
            ],
        ]
        body = json.serialized()
    }

    package init(id: String, body: Data) {
        self.id = id
        self.body = body
    }

    /// The headers of one attempt.
    /// - Parameters:
    ///   - secret: the bytes of the endpoint's secret.
    ///   - now: the time of the attempt; receivers refuse what is minutes old, which makes replays useless.
    package func headers(secret: Data, at now: Date) -> [(name: String, value: String)] {
        let timestamp = String(Int64(max(0, min(253_402_300_799, now.timeIntervalSince1970))))
        return [
            ("Content-Type", "application/json"), ("webhook-id", id), ("webhook-timestamp", timestamp),
            ("webhook-signature", "v1,\(signature(secret: secret, timestamp: timestamp))"),
        ]
    }

    /// HMAC-SHA256 over `id.timestamp.body`, in base64.
    private func signature(secret: Data, timestamp: String) -> String {
        var code = HMAC<SHA256>(key: SymmetricKey(data: secret))
        code.update(data: Data("\(id).\(timestamp).".utf8))
        code.update(data: body)
        return Data(code.finalize()).base64EncodedString()
    }
}
