import Foundation
import LetheCore
import LetheProcessSupport
import LetheService
import LetheStore
import Testing

/// The program that makes the certificates.
private enum OpenSSL {
    static let path = ["/usr/bin/openssl", "/usr/local/bin/openssl"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    static func run(_ arguments: String...) async throws -> Finished.End {
        let program = try #require(path)
        return try await Blocking.run {
            try ChildProcess(program, arguments).finish(timeout: .seconds(30)).end
        }
    }
}

/// TLS with a certificate made on the spot.
@Suite(.timeLimit(.minutes(1)), .enabled(if: OpenSSL.path != nil, "openssl is not installed"))
struct TLSTests {
    /// A folder with a self-signed certificate for 127.0.0.1 and its key.
    private final class Certificate: Sendable {
        let folder: URL
        var files: TLSFiles {
            TLSFiles(
                certificate: folder.appendingPathComponent("cert.pem"), key: folder.appendingPathComponent("key.pem"))
        }

        init() async throws {
            folder = FileManager.default.temporaryDirectory.appendingPathComponent("lethe-tls-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let end = try await OpenSSL.run(
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", "/CN=lethe", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "\(folder.path)/key.pem",
                "-out", "\(folder.path)/cert.pem")
            try #require(end == .exited(0))
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o600], ofItemAtPath: "\(folder.path)/key.pem")
        }

        deinit { try? FileManager.default.removeItem(at: folder) }
    }

    @Test func `a client that trusts the certificate talks to the daemon, and no other does`() async throws {
        let certificate = try await Certificate()
        let bench = try await ServiceBench()
        let (_, token) = try await bench.database.createKey(
            NewAPIKey(name: "x", scopes: [.modelsRead, .requestsRead, .requestsWrite]), by: .owner)
        try await bench.listening({
            $0.host = "0.0.0.0"
            $0.tls = certificate.files
        }) { port in
            let url = "https://127.0.0.1:\(port)"
            let authorities = certificate.files.certificate.path
            let client = try DaemonClient(url: url, apiKey: token.text, authorities: authorities)
            #expect(try await client.models()["data"]?.arrayValue?.count == 1)
            let text = String(repeating: "a", count: 100_000)
            let body = Data(#"{"category":"other","items":[{"text":"\#(text)"}]}"#.utf8)
            let id = try #require(try await client.submit(body, idempotencyKey: "k")["id"]?.stringValue)
            _ = try await client.cancel(id)
            try await client.watch(id) { _ in }
            await #expect { _ = try await DaemonClient(url: url, authorities: authorities).models() } throws: {
                ($0 as? LetheError)?.code == .forbidden
            }
            // Without trust there is no connection, so no key is sent.
            let stranger = try DaemonClient(url: url, apiKey: token.text)
            await #expect { _ = try await stranger.models() } throws: { ($0 as? LetheError)?.code == .unavailable }
            // Plain HTTP gets nothing.
            let plain = try await RawConnection.exchange(
                port: port, Data("GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8))
            #expect(!plain.contains("200 OK"))
            #expect(!plain.contains("alive"))
        }
    }

    @Test(arguments: [("-tls1", false), ("-tls1_1", false), ("-tls1_2", true), ("-tls1_3", true)])
    func `TLS before 1.2 is refused`(version: String, isAccepted: Bool) async throws {
        let certificate = try await Certificate()
        let bench = try await ServiceBench()
        try await bench.listening({ $0.tls = certificate.files }) { port in
            let end = try await OpenSSL.run(
                "s_client", "-connect", "127.0.0.1:\(port)", version, "-cipher", "ALL:@SECLEVEL=0", "-CAfile",
                certificate.files.certificate.path, "-verify_return_error")
            #expect((end == .exited(0)) == isAccepted)
        }
    }

    @Test func `files that are no certificate and key are refused`() async throws {
        let certificate = try await Certificate()
        let other = try await Certificate()
        let bench = try await ServiceBench()
        func code(_ files: TLSFiles) -> LetheError.Code? {
            do {
                _ = try bench.application(configure: { $0.tls = files })
                return nil
            } catch {
                return (error as? LetheError)?.code
            }
        }
        let good = certificate.files
        #expect(code(good) == nil)
        let missing = certificate.folder.appendingPathComponent("nothing.pem")
        #expect(code(TLSFiles(certificate: missing, key: good.key)) == .missingInput)
        #expect(code(TLSFiles(certificate: good.certificate, key: missing)) == .missingInput)
        #expect(code(TLSFiles(certificate: good.key, key: good.key)) == .badData)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: good.certificate.path)
        #expect(code(TLSFiles(certificate: good.certificate, key: good.certificate)) == .badData)
        #expect(code(TLSFiles(certificate: good.certificate, key: other.files.key)) == .badData)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: good.key.path)
        #expect(code(good) == .forbidden)
    }
}
