import Foundation
import HTTPTypes
import LetheCore
import LetheService
import Testing

/// The ways in which an address can be written so that it leads inside.
@Suite struct WebhookURLTests {
    static let refused: [String] = [
        // Not https.
        "", "hooks.example.org", "//hooks.example.org/", "http://hooks.example.org/", "HTTPS://hooks.example.org/",
        "ftp://hooks.example.org/", "file:///etc/passwd", "gopher://hooks.example.org/", "https:hooks.example.org/",
        "https:/hooks.example.org/", "https:///hooks.example.org/", "javascript:alert(1)",
        " https://hooks.example.org/",
        "https://hooks.example.org/ ", "https://hooks.example.org/\u{0}", "https://hooks.example.org/\r\nX: 1",
        "https://hooks.example.org/\t",
        // Loopback.
        "https://localhost/", "https://LOCALHOST/", "https://localhost./", "https://a.localhost/", "https://127.0.0.1/",
        "https://127.1/", "https://127.0.1/", "https://127.255.255.254/", "https://2130706433/", "https://0x7f000001/",
        "https://0x7f.0.0.1/", "https://0177.0.0.1/", "https://017700000001/", "https://127.0.0.01/",
        "https://127.0.0.1./", "https://127.000.000.001/", "https://0/", "https://0.0.0.0/", "https://[::1]/",
        "https://[::]/", "https://[0:0:0:0:0:0:0:1]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/",
        "https://[::127.0.0.1]/", "https://[0000:0000:0000:0000:0000:ffff:127.0.0.1]/", "https://::1/",
        "https://[::1%25lo]/", "https://[fe80::1%25eth0]/", "https://[::1/", "https://[127.0.0.1]/", "https://[]/",
        // Private, link-local, carrier-grade NAT, multicast, metadata, documentation, reserved.
        "https://10.0.0.1/", "https://10.255.255.255/", "https://172.16.0.1/", "https://172.31.255.255/",
        "https://192.168.0.1/", "https://169.254.169.254/", "https://169.254.0.1/", "https://100.64.0.1/",
        "https://100.127.255.255/", "https://168.63.129.16/", "https://192.0.0.192/", "https://192.0.2.1/",
        "https://198.18.0.1/", "https://198.19.255.255/", "https://198.51.100.1/", "https://203.0.113.1/",
        "https://224.0.0.1/", "https://239.255.255.255/", "https://240.0.0.1/", "https://255.255.255.255/",
        "https://[fe80::1]/", "https://[fc00::1]/", "https://[fd00:ec2::254]/", "https://[ff02::1]/",
        "https://[fec0::1]/", "https://[64:ff9b::7f00:1]/", "https://[64:ff9b::a9fe:a9fe]/",
        "https://[2002:7f00:1::]/", "https://[2001:0:7f00:1::]/", "https://[2001:db8::1]/", "https://[3fff::1]/",
        "https://[::ffff:10.0.0.1]/", "https://[::ffff:169.254.169.254]/", "https://[::a9fe:a9fe]/",
        "https://[100::1]/",
        // Names that stay inside.
        "https://metadata.google.internal/", "https://printer.local/", "https://router.lan/", "https://intranet/",
        "https://db.corp/", "https://1.0.0.127.in-addr.arpa/", "https://hidden.onion/", "https://a.test/",
        // Other spellings of the host.
        "https://user@hooks.example.org/", "https://user:pass@hooks.example.org/",
        "https://hooks.example.org@127.0.0.1/", "https://127.0.0.1\\@hooks.example.org/",
        "https://hooks.example.org#@127.0.0.1/", "https://hooks.example.org\\127.0.0.1/",
        "https://hooks%2eexample.org/", "https://%31%32%37.0.0.1/", "https://127%2e0%2e0%2e1/",
        "https://１２７.０.０.１/", "https://①②⑦.0.0.1/", "https://127。0。0。1/", "https://hooks.exämple.org/",
        "https://hooks..example.org/", "https://.example.org/", "https://-a.example.org/", "https://a-.example.org/",
        "https://hooks.example.org./", "https://hooks_x.example.org/", "https://hooks.example.123/",
        "https://hooks.example.0x1/", "https://1.2.3/", "https://1.2.3.4.5/", "https://256.1.1.1/",
        "https://\(String(repeating: "a", count: 64)).example.org/",
        "https://\(String(repeating: "a.", count: 130))org/",
        // Ports.
        "https://hooks.example.org:80/", "https://hooks.example.org:22/", "https://hooks.example.org:6379/",
        "https://hooks.example.org:0/", "https://hooks.example.org:65979/", "https://hooks.example.org:00443/",
        "https://hooks.example.org:+443/", "https://hooks.example.org:443:443/", "https://hooks.example.org:/",
        "https://hooks.example.org:4a3/", "https://hooks.example.org:99999999999999999999/",
        // Paths.
        "https://hooks.example.org/%", "https://hooks.example.org/%2", "https://hooks.example.org/%zz",
        "https://hooks.example.org/#fragment", "https://hooks.example.org/<script>", "https://hooks.example.org/\"",
        "https://hooks.example.org?x=1", "https://hooks.example.org/\(String(repeating: "a", count: 2048))",
    ]

    @Test func `there are sixty and more`() { #expect(Set(Self.refused).count >= 60) }

    @Test(arguments: refused)
    func `an address that could lead inside is refused, and not quoted`(url: String) {
        #expect {
            _ = try NewWebhook(url: url, policy: WebhookPolicy())
        } throws: { error in
            guard let error = error as? LetheError, error.code == .badData else { return false }
            return error.message.hasPrefix("/url: ") && (url.utf8.count < 20 || !error.message.contains(url))
        }
    }

    @Test(arguments: [
        ("https://hooks.example.org", "https://hooks.example.org:443/"),
        ("https://hooks.example.org/", "https://hooks.example.org:443/"),
        ("https://Hooks.Example.ORG/Path?a=b&c=%2F", "https://hooks.example.org:443/Path?a=b&c=%2F"),
        ("https://hooks.example.org:8443/x", "https://hooks.example.org:8443/x"),
        ("https://xn--exmple-cua.org/", "https://xn--exmple-cua.org:443/"),
        ("https://93.184.216.34/", "https://93.184.216.34:443/"),
        ("https://[2606:4700:0:0::1111]/", "https://[2606:4700::1111]:443/"),
        ("https://172.15.0.1/", "https://172.15.0.1:443/"), ("https://172.32.0.1/", "https://172.32.0.1:443/"),
        ("https://100.63.0.1/", "https://100.63.0.1:443/"), ("https://192.0.1.1/", "https://192.0.1.1:443/"),
    ])
    func `a public address is taken, in one form`(url: String, canonical: String) throws {
        #expect(try NewWebhook(url: url, policy: WebhookPolicy()).url == canonical)
    }

    @Test(arguments: [
        ("http://127.0.0.1:9000/x", "http://127.0.0.1:9000/x"), ("http://localhost/", "http://localhost:80/"),
        ("https://[::1]:9000/", "https://[::1]:9000/"), ("http://127.8.8.8:1/", "http://127.8.8.8:1/"),
    ])
    func `loopback is taken when it is allowed`(url: String, canonical: String) throws {
        var policy = WebhookPolicy()
        policy.allowsLoopback = true
        #expect(try NewWebhook(url: url, policy: policy).url == canonical)
    }

    @Test(arguments: [
        "http://10.0.0.1/", "http://192.168.1.1/", "http://hooks.example.org/", "http://0x7f000001/", "http://127.1/",
        "http://[::ffff:127.0.0.1]/", "http://0.0.0.0/", "http://169.254.169.254/", "https://10.0.0.1/",
        "http://localhost.example.org/", "http://user@localhost/", "http://93.184.216.34/",
    ])
    func `allowing loopback allows nothing else`(url: String) {
        var policy = WebhookPolicy()
        policy.allowsLoopback = true
        #expect { _ = try NewWebhook(url: url, policy: policy) } throws: { ($0 as? LetheError)?.code == .badData }
    }

    @Test func `webhooks are managed over HTTP`() async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let made = try await api.post(
                "/v1/webhooks", #"{"url":"https://hooks.example.org/x","states":["failed","applied"]}"#)
            #expect(made.status == 201)
            let id = try #require(made.json?["id"]?.stringValue)
            #expect(made.headers[.location] == "/v1/webhooks/\(id)")
            #expect(made.json?["states"] == ["applied", "failed"])
            #expect(made.json?["secret"]?.stringValue?.hasPrefix("whsec_") == true)
            let shown = try await api.get("/v1/webhooks/\(id)")
            let list = try await api.get("/v1/webhooks")
            #expect(!list.text.contains("whsec_") && !shown.text.contains("whsec_"))
            let checker = SchemaChecker(document: OpenAPIDocument.json())
            #expect(checker.problems(made.json ?? .null, schema: "NewWebhook") == [])
            #expect(checker.problems(shown.json ?? .null, schema: "Webhook") == [])
            #expect(checker.problems(list.json ?? .null, schema: "WebhookList") == [])
            #expect(try await api.post("/v1/webhooks/\(id)/enable").json?["state"] == "active")
            let metrics = try await api.get("/metrics").text
            #expect(metrics.contains("lethe_webhooks{state=\"active\"} 1\n"))
            #expect(metrics.contains("lethe_webhook_attempts_total{result=\"delivered\"} 0\n"))
            #expect(try await api.send(.delete, "/v1/webhooks/\(id)").status == 204)
            #expect(try await api.send(.delete, "/v1/webhooks/\(id)").status == 404)
            for id in [id, "wh_0", "..", "%00"] {
                #expect(try await api.get("/v1/webhooks/\(id)").status == 404)
                #expect(try await api.post("/v1/webhooks/\(id)/enable").status == 404)
            }
            for (body, pointer) in [
                ("{}", "/url"), (#"{"url":7}"#, "/url"), (#"{"url":"https://10.0.0.1/"}"#, "/url"),
                (#"{"url":"http://127.0.0.1/"}"#, "/url"), (#"{"url":"https://a.example/","states":[]}"#, "/states"),
                (#"{"url":"https://a.example/","states":["gone"]}"#, "/states/0"),
                (#"{"url":"https://a.example/","secret":"x"}"#, "/secret"),
            ] {
                let answer = try await api.post("/v1/webhooks", body)
                #expect(answer.status == 422)
                #expect(answer.json?["errors"]?.arrayValue?.first?["pointer"]?.stringValue == pointer)
            }
            for _ in 0..<32 {
                #expect(try await api.post("/v1/webhooks", #"{"url":"https://a.example/"}"#).status == 201)
            }
            #expect(try await api.post("/v1/webhooks", #"{"url":"https://a.example/"}"#).status == 409)
        }
    }
}
