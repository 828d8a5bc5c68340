import Crypto
import Foundation
import HTTPTypes
import LetheCore
import LetheService
import LetheStore
import Testing

/// Deliveries to a receiver on a real socket.
@Suite(.timeLimit(.minutes(1)))
struct WebhookDeliveryTests {
    /// Checks a signature as a receiver does (Standard Webhooks 1.0), with nothing of the daemon's code.
    private static func isSigned(_ delivery: WebhookReceiver.Delivery, with secret: String) throws -> Bool {
        let bytes = try #require(Data(base64Encoded: String(secret.dropFirst("whsec_".count))))
        let signed = Data("\(delivery.id).\(delivery.timestamp).".utf8) + delivery.body
        let code = Data(HMAC<SHA256>.authenticationCode(for: signed, using: SymmetricKey(data: bytes)))
        return delivery.signature.split(separator: " ").contains { $0 == "v1,\(code.base64EncodedString())" }
    }

    @Test func `the signature is the one that the specification's example has`() throws {
        let secret = try #require(Data(base64Encoded: "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
        let message = WebhookMessage(
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek", body: Data(#"{"test": 2432232314}"#.utf8))
        let headers = message.headers(secret: secret, at: Date(timeIntervalSince1970: 1_614_265_330))
        #expect(
            headers.first { $0.name == "webhook-signature" }?.value
                == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
        #expect(headers.first { $0.name == "webhook-timestamp" }?.value == "1614265330")
    }

    @Test func `events arrive signed, in order, and without a word of the request`() async throws {
        let bench = try await ServiceBench()
        let receiver = WebhookReceiver()
        // What was before the registration is not sent.
        try await bench.submit()
        try await receiver.listening { port in
            let (row, secret) = try await bench.database.createWebhook(
                url: "http://127.0.0.1:\(port)/hook?token=canary-token", states: Set(RequestState.allCases))
            try await bench.dispatching {
                let id = try await bench.submit()
                _ = await receiver.wait(for: 1)
                _ = try await bench.database.cancel(id)
                let deliveries = await receiver.wait(for: 2)
                #expect(deliveries.map(\.state) == ["queued", "cancelled"])
                #expect(deliveries.map { $0.json["type"] } == ["request.queued", "request.cancelled"])
                #expect(deliveries.allSatisfy { $0.json["data"]?["request_id"] == .string(id.rawValue) })
                #expect(Set(deliveries.map(\.id)).count == 2)
                for delivery in deliveries {
                    #expect(try Self.isSigned(delivery, with: secret.reveal()))
                    #expect(delivery.contentType == "application/json")
                    #expect(delivery.body.count < 1000)
                    let seconds = try #require(Double(delivery.timestamp))
                    #expect(abs(seconds - Date().timeIntervalSince1970) < 30)
                    #expect(!String(decoding: delivery.body, as: UTF8.self).contains("canary"))
                }
                // A changed body does not fit its signature.
                let first = try #require(deliveries.first)
                let forged = WebhookReceiver.Delivery(
                    id: first.id, timestamp: first.timestamp, signature: first.signature, contentType: "",
                    body: first.body + Data(" ".utf8))
                #expect(try !Self.isSigned(forged, with: secret.reveal()))
                let after = try await bench.webhook(row.id) { $0.delivered == 2 }
                #expect(after.failure == nil && after.attempts == 0)
            }
        }
        #expect(!bench.log.text.contains("canary"))
        #expect(!bench.log.text.contains("whsec_"))
    }

    @Test func `only the states that were asked for are sent`() async throws {
        let bench = try await ServiceBench()
        let receiver = WebhookReceiver()
        try await receiver.listening { port in
            _ = try await bench.database.createWebhook(
                url: "http://127.0.0.1:\(port)/", states: [.cancelled])
            try await bench.dispatching {
                for _ in 0..<3 {
                    let id = try await bench.submit()
                    _ = try await bench.database.cancel(id)
                }
                #expect(await receiver.wait(for: 3).map(\.state) == ["cancelled", "cancelled", "cancelled"])
            }
        }
    }

    @Test func `a receiver that fails is tried again with the same event, and later events wait for it`()
        async throws
    {
        let bench = try await ServiceBench()
        let receiver = WebhookReceiver { number, _ in
            switch number {
            case 0: (500, [:], "")
            case 1: (302, [.location: "http://127.0.0.1:1/elsewhere"], "")
            case 2: (200, [:], String(repeating: "x", count: 70_000))
            default: (204, [:], "")
            }
        }
        try await receiver.listening { port in
            let (row, secret) = try await bench.database.createWebhook(
                url: "http://127.0.0.1:\(port)/", states: [.queued, .cancelled])
            try await bench.dispatching {
                let id = try await bench.submit()
                _ = try await bench.database.cancel(id)
                let deliveries = await receiver.wait(for: 5)
                #expect(deliveries.map(\.state) == ["queued", "queued", "queued", "queued", "cancelled"])
                #expect(Set(deliveries.prefix(4).map(\.id)).count == 1)
                for delivery in deliveries { #expect(try Self.isSigned(delivery, with: secret.reveal())) }
                _ = try await bench.webhook(row.id) { $0.delivered == 2 && $0.failure == nil }
            }
        }
    }

    @Test func `an endpoint whose attempts are used up is disabled, and goes on where it stopped`() async throws {
        let bench = try await ServiceBench()
        // Nobody listens there.
        let port = try await WebhookReceiver().listening { $0 }
        let (row, _) = try await bench.database.createWebhook(url: "http://127.0.0.1:\(port)/", states: [.queued])
        try await bench.submit()
        try await bench.submit()
        let disabled = try await bench.dispatching { try await bench.webhook(row.id) { $0.state == .disabled } }
        #expect(disabled.attempts == 4)
        #expect(disabled.failure == "unreachable")
        #expect(disabled.delivered == 0)
        #expect(disabled.disabledAt != nil)
        #expect(bench.log.text.contains("webhook disabled"))
        #expect(!bench.log.text.contains("127.0.0.1:\(port)"))
        // Nothing is sent until somebody enables it; then everything is.
        let receiver = WebhookReceiver { _, _ in (200, [:], "ok") }
        try await receiver.listening { port in
            // The receiver is back at another port: endpoints do not change, so this is another one.
            let (other, _) = try await bench.database.createWebhook(
                url: "http://127.0.0.1:\(port)/", states: [.queued])
            try await bench.dispatching {
                try await bench.submit()
                _ = try await bench.webhook(other.id) { $0.delivered == 1 }
                #expect(try await bench.database.webhook(row.id).state == .disabled)
                let enabled = try await bench.database.enableWebhook(row.id)
                #expect(enabled.state == .active && enabled.attempts == 0)
                #expect(enabled.cursor == disabled.cursor)
                _ = try await bench.webhook(row.id) { $0.state == .disabled }
            }
        }
    }

    @Test func `a receiver that wants no more is not asked again`() async throws {
        let bench = try await ServiceBench()
        let receiver = WebhookReceiver { _, _ in (410, [:], "") }
        try await receiver.listening { port in
            let (row, _) = try await bench.database.createWebhook(url: "http://127.0.0.1:\(port)/", states: [.queued])
            try await bench.dispatching {
                try await bench.submit()
                let disabled = try await bench.webhook(row.id) { $0.state == .disabled }
                #expect(disabled.failure == "gone")
                #expect(disabled.failureStatus == 410)
            }
            #expect(receiver.deliveries.count == 1)
        }
    }

    @Test func `a crash between delivery and commit sends the event once more, under the same id`() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lethe-hook-\(UUID().uuidString)")
        let copy = folder.appendingPathExtension("copy")
        defer { try? FileManager.default.removeItem(at: copy) }
        let receiver = WebhookReceiver()
        try await receiver.listening { port in
            // The commit that records the first delivery does not happen, and nothing after it.
            let bench = try await ServiceBench(
                folder: folder, failPoints: FailPoints("webhook_delivered.before_commit:sync"))
            let (row, _) = try await bench.database.createWebhook(
                url: "http://127.0.0.1:\(port)/", states: [.queued])
            try await bench.submit()
            await #expect {
                try await bench.dispatching { try await Task.sleep(for: .seconds(60)) }
            } throws: { ($0 as? LetheError)?.code == .syncFailed }
            #expect(receiver.deliveries.count == 1)
            // What a crash leaves is what is on disk at this moment.
            try FileManager.default.copyItem(at: folder, to: copy)
            let next = try await ServiceBench(folder: copy)
            try await next.dispatching {
                let deliveries = await receiver.wait(for: 2)
                #expect(Set(deliveries.map(\.id)).count == 1)
                #expect(Set(deliveries.map(\.body)).count == 1)
                _ = try await next.webhook(row.id) { $0.delivered == 1 }
                // Later events follow, and this one does not come again.
                try await next.submit()
                let all = await receiver.wait(for: 3)
                #expect(Set(all.map(\.id)).count == 2)
                _ = try await next.webhook(row.id) { $0.delivered == 2 }
            }
            #expect(receiver.deliveries.count == 3)
        }
    }

    @Test func `an event goes to every endpoint, and one that is down holds up no other`() async throws {
        let bench = try await ServiceBench()
        let receiver = WebhookReceiver()
        let down = try await WebhookReceiver().listening { $0 }
        try await receiver.listening { port in
            let (dead, _) = try await bench.database.createWebhook(
                url: "http://127.0.0.1:\(down)/", states: [.queued])
            _ = try await bench.database.createWebhook(url: "http://localhost:\(port)/a", states: [.queued])
            _ = try await bench.database.createWebhook(url: "http://localhost:\(port)/b", states: [.queued])
            try await bench.dispatching({ $0.waits = [.seconds(600)] }) {
                for _ in 0..<20 { try await bench.submit() }
                let deliveries = await receiver.wait(for: 40)
                #expect(Set(deliveries.map(\.id)).count == 40)
                let row = try await bench.webhook(dead.id) { $0.attempts == 1 }
                #expect(row.state == .active)
                let next = try #require(row.nextAt)
                // Within 20 % of ten minutes.
                #expect((470...730).contains(next.timeIntervalSinceNow))
            }
        }
    }

    @Test func `a name that means an inner address is never connected to`() async throws {
        let bench = try await ServiceBench()
        let receiver = WebhookReceiver()
        try await receiver.listening { port in
            let (row, _) = try await bench.database.createWebhook(
                url: "https://hooks.example.org:\(port)/", states: [.queued])
            for addresses in [
                ["127.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"], ["10.0.0.1"],
                ["169.254.169.254"], ["fd00:ec2::254"], ["0.0.0.0"],
            ] {
                let disabled = try await bench.dispatching(
                    {
                        $0.ports = [port]
                        $0.waits = []
                    }, resolve: { _ in addresses }
                ) {
                    try await bench.submit()
                    return try await bench.webhook(row.id) { $0.state == .disabled }
                }
                #expect(disabled.failure == "forbidden_address", "\(addresses)")
                _ = try await bench.database.enableWebhook(row.id)
            }
            let unknown = try await bench.dispatching(
                {
                    $0.ports = [port]
                    $0.waits = []
                }, resolve: { _ in [] }
            ) { try await bench.webhook(row.id) { $0.state == .disabled } }
            #expect(unknown.failure == "not_resolved")
        }
        #expect(receiver.deliveries.isEmpty)
    }

    @Test func `the address and the secret of an endpoint are not on disk in clear`() async throws {
        let bench = try await ServiceBench()
        let (_, secret) = try await bench.database.createWebhook(
            url: "https://hooks.example.org/canary-path", states: [.queued])
        let encoded = String(secret.reveal().dropFirst(6))
        let raw = try #require(Data(base64Encoded: encoded))
        for name in ["lethe.sqlite", "lethe.sqlite-wal"] {
            let data = try Data(contentsOf: bench.folder.appendingPathComponent(name))
            for needle in [Data("canary-path".utf8), Data("example.org".utf8), Data(encoded.utf8), raw] {
                #expect(data.range(of: needle) == nil)
            }
        }
    }
}
