import Foundation
import LetheCore
import LetheService
import LetheStore
import Testing

/// Where a daemon listens, and what it asks for there.
@Suite(.timeLimit(.minutes(1)))
struct BindTests {
    private static func code(_ bench: ServiceBench, _ configure: (inout HTTPConfiguration) -> Void) -> LetheError.Code?
    {
        do {
            _ = try bench.application(configure: configure)
            return nil
        } catch {
            return (error as? LetheError)?.code
        }
    }

    @Test func `an address that others reach needs keys, and TLS or a proxy`() async throws {
        let bench = try await ServiceBench()
        for host in ["0.0.0.0", "::", "192.0.2.7"] {
            #expect(Self.code(bench) { $0.host = host } == .forbidden)
            #expect(
                Self.code(bench) {
                    $0.host = host
                    $0.behindProxy = true
                } == .forbidden)
        }
        // A proxy opens loopback to others too.
        #expect(Self.code(bench) { $0.behindProxy = true } == .forbidden)
        _ = try await bench.key([.metrics])
        for host in ["0.0.0.0", "::", "192.0.2.7"] {
            #expect(Self.code(bench) { $0.host = host } == .forbidden)
            #expect(
                Self.code(bench) {
                    $0.host = host
                    $0.behindProxy = true
                } == nil)
        }
        #expect(
            Self.code(bench) {
                $0.host = "example.org"
                $0.behindProxy = true
            } == .forbidden)
        #expect(Self.code(bench) { _ in } == nil)
    }

    @Test func `behind a proxy any host is answered, and only with a key`() async throws {
        let bench = try await ServiceBench()
        let (_, token) = try await bench.database.createKey(
            NewAPIKey(name: "x", scopes: [.modelsRead]), by: .owner)
        try await bench.listening({ $0.behindProxy = true }) { port async throws in
            func status(_ headers: String) async throws -> Int? {
                let answer = try await RawConnection.exchange(
                    port: port,
                    Data(
                        "GET /v1/models HTTP/1.1\r\nHost: lethe.example.org\r\nConnection: close\r\n\(headers)\r\n"
                            .utf8))
                return answer.split(separator: " ").dropFirst().first.flatMap { Int($0) }
            }
            #expect(try await status("") == 401)
            #expect(try await status("Authorization: Bearer \(token.text.reveal())\r\n") == 200)
        }
    }
}
