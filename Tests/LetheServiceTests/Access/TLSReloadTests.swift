import Foundation
import LetheCore
import LetheProcessSupport
import LetheService
import Testing

/// The program that makes certificates and shows what a server has.
private enum OpenSSLClient {
    static let path = ["/usr/bin/openssl", "/usr/local/bin/openssl"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }
}

/// A daemon with TLS that is told to read its files again.
@Suite(.timeLimit(.minutes(2)), .enabled(if: OpenSSLClient.path != nil, "openssl is not installed"))
struct TLSReloadTests {
    private static func run(_ arguments: [String]) async throws -> Finished {
        let program = try #require(OpenSSLClient.path)
        return try await Blocking.run { try ChildProcess(program, arguments).finish(timeout: .seconds(30)) }
    }

    /// Writes a self-signed certificate of this name, and its key, over what is there.
    private func certify(_ name: String, _ scratch: Scratch) async throws {
        let (key, certificate) = (scratch.path("\(name)-key.pem").path, scratch.path("\(name)-cert.pem").path)
        let made = try await Self.run([
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/CN=\(name)", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate,
        ])
        try #require(made.end == .exited(0))
        for (source, target) in [(key, "key.pem"), (certificate, "cert.pem")] {
            let data = try Data(contentsOf: URL(fileURLWithPath: source))
            try data.write(to: scratch.path(target), options: .atomic)
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: scratch.path(target).path)
        }
    }

    /// The name in the certificate that a client is shown.
    private func shownName(_ port: Int, _ version: String) async throws -> String {
        let finished = try await Self.run(["s_client", "-connect", "127.0.0.1:\(port)", version])
        let line = finished.outputText.split(separator: "\n").first { $0.contains("subject=") }
        return line.flatMap { $0.split(separator: " ").last.map(String.init) } ?? finished.errorText
    }

    @Test func `SIGHUP puts a new certificate into use, and a broken one changes nothing`() async throws {
        let scratch = try Scratch()
        try await certify("first", scratch)
        let lethe = try LetheBinary()
        let daemon = try await DaemonProcess.start(
            lethe, dataDirectory: scratch.path("store"),
            arguments: [
                "--tls-certificate", scratch.path("cert.pem").path, "--tls-key", scratch.path("key.pem").path,
            ])
        defer { daemon.process.kill() }
        for version in ["-tls1_2", "-tls1_3"] { #expect(try await shownName(daemon.port, version) == "first") }
        // A connection that is open stays as it is.
        let client = try DaemonClient(
            url: "https://127.0.0.1:\(daemon.port)", authorities: scratch.path("first-cert.pem").path)
        #expect(try await client.models()["data"]?.arrayValue?.isEmpty == true)

        try await certify("second", scratch)
        #expect(try await shownName(daemon.port, "-tls1_3") == "first")
        daemon.process.signal(SIGHUP)
        var name = "first"
        for _ in 0..<200 where name == "first" { name = try await shownName(daemon.port, "-tls1_3") }
        #expect(name == "second")
        #expect(try await shownName(daemon.port, "-tls1_2") == "second")
        await #expect(throws: LetheError.self) { _ = try await client.models() }
        let renewed = try DaemonClient(
            url: "https://127.0.0.1:\(daemon.port)", authorities: scratch.path("second-cert.pem").path)
        #expect(try await renewed.models()["data"]?.arrayValue?.isEmpty == true)

        // Files that do not belong together: the daemon goes on with what it has.
        try await certify("third", scratch)
        try Data("nonsense".utf8).write(to: scratch.path("cert.pem"), options: .atomic)
        daemon.process.signal(SIGHUP)
        for _ in 0..<5 { #expect(try await shownName(daemon.port, "-tls1_3") == "second") }
        let finished = try await daemon.stop()
        #expect(finished.end == .exited(0))
        #expect(finished.errorText.contains("certificate reloaded"))
        #expect(finished.errorText.contains("certificate not reloaded"))
    }
}
