import Foundation
import LetheCore
import LetheService
import Testing

/// A completion whose client goes is for nobody.
@Suite(.timeLimit(.minutes(1))) struct DisconnectTests {
    private static func message(_ port: Int) -> String {
        let body = #"{"model":"tiny","prompt":"a"}"#
        return "POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    @Test func `a completion stops when its client closes the connection`() async throws {
        let bench = try await ServiceBench()
        let (begun, begin) = AsyncStream.makeStream(of: Void.self)
        let (ends, end) = AsyncStream.makeStream(of: Bool.self)
        bench.models.setCompletion { _ in
            begin.yield()
            do {
                try await Task.sleep(for: .seconds(50))
                end.yield(false)
            } catch {
                end.yield(Task.isCancelled)
                throw error
            }
            throw LetheError(.unavailable, "too late")
        }
        try await bench.listening { port in
            let connection = try RawConnection(port: port)
            connection.send(Self.message(port))
            for await _ in begun { break }
            connection.close()
            #expect(await ends.first { _ in true } == true)
            // It is logged and counted as the client's doing, and not as a fault.
            while !bench.log.text.contains("\"status\": 4") { try await Task.sleep(for: .milliseconds(5)) }
            #expect(bench.log.text.contains("\"status\": 499"))
        }
    }

    @Test func `a connection serves one completion after the other`() async throws {
        let bench = try await ServiceBench()
        bench.models.setCompletion { request in
            CompletionResponse(model: request.model, generation: "0-0", completions: [], promptTokenCount: 1)
        }
        try await bench.listening { port in
            let connection = try RawConnection(port: port)
            for number in 1...3 {
                connection.send(Self.message(port))
                let text = try await connection.read { $0.components(separatedBy: "text_completion").count > number }
                #expect(text.components(separatedBy: "200 OK").count == number + 1)
            }
            connection.close()
        }
    }
}
