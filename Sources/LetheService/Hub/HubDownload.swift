import Foundation
import LetheCore
import Synchronization

/// Downloads one file, going on where an earlier try broke off.
struct HubDownload: Sendable {
    /// Times that a content with a wrong digest is fetched again from its beginning.
    static let mismatchLimit = 2

    let client: HubClient
    let url: String
    let file: HubFile
    let target: URL

    /// Brings the file to its place.
    ///
    /// A crash leaves a partial file that the next call goes on with; under the final name there is only ever the whole
    /// content with the digest that was listed.
    /// - Parameter onProgress: called with the bytes that are there.
    /// - Throws: `bad_data` when the hub keeps sending something else than it lists, `unavailable`, `not_found`,
    ///   `forbidden`, `disk_full`, `io_error`, CancellationError.
    func run(onProgress: @escaping @Sendable (Int) -> Void) async throws {
        let part = try PartialFile(file, target: target)
        var mismatches = 0
        while true {
            try Task.checkCancellation()
            try await fetch(part, onProgress)
            if try part.finish() { return }
            mismatches += 1
            guard mismatches <= Self.mismatchLimit else {
                throw LetheError(.badData, "\(file.name): what the hub sends does not have the checksum that it lists")
            }
        }
    }

    /// Brings the bytes that are missing.
    private func fetch(_ part: PartialFile, _ onProgress: @escaping @Sendable (Int) -> Void) async throws {
        var before = part.count
        try await client.retry.run(hasProgressed: { part.count > before }) {
            before = part.count
            onProgress(part.count)
            guard !part.isWhole else { return }
            let offset = part.count
            let headers = offset > 0 ? [(name: "Range", value: "bytes=\(offset)-")] : []
            let refusal = Refusal()
            let answer = try await client.follow(url, headers: headers + [("Accept-Encoding", "identity")]) {
                var transfer = $0
                transfer.streamedStatuses = [200, 206]
                transfer.answerBytes = 1 << 20
                return try await transfer.stream(
                    onHead: { head in refusal.record { try accept(head, part, offset) } },
                    onBody: { data in
                        guard part.append(data) else { return false }
                        onProgress(part.count)
                        return true
                    })
            }
            if let error = refusal.error { throw error }
            if let failure = part.failure {
                part.clearFailure()
                // More bytes than the file has: nothing of them can be trusted.
                guard failure.code == .badData else { throw failure }
                try part.reset()
                throw HubRetry.Passing(error: failure)
            }
            if answer.status == 416 {
                try part.reset()
                throw HubRetry.Passing(error: LetheError(.unavailable, "\(file.name): the hub has no such range"))
            }
            try HubClient.check(answer, "file")
            guard part.isWhole else {
                throw HubRetry.Passing(
                    error: LetheError(
                        .unavailable, "\(file.name): the hub sent \(part.count) of the \(file.size) bytes it lists"))
            }
        }
    }

    /// Looks at the head of an answer with content.
    private func accept(_ head: HTTPTransfer.Answer, _ part: PartialFile, _ offset: Int) throws {
        if head.status == 200 {
            // The whole content, whatever was asked for.
            if offset > 0 { try part.reset() }
            return
        }
        guard let range = Self.range(head.headers["content-range"]), range.first == offset,
            range.total.map({ $0 == file.size }) ?? true
        else {
            try part.reset()
            throw HubRetry.Passing(
                error: LetheError(.unavailable, "\(file.name): the hub sends another range than was asked for"))
        }
    }

    /// The first byte and the size in `bytes 5-9/10`.
    static func range(_ header: String?) -> (first: Int, total: Int?)? {
        guard let header, header.lowercased().hasPrefix("bytes ") else { return nil }
        let parts = header.dropFirst(6).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let dash = parts[0].firstIndex(of: "-"),
            let first = QueryParameters.decimal(String(parts[0][..<dash]))
        else { return nil }
        if parts[1] == "*" { return (first, nil) }
        guard let total = QueryParameters.decimal(String(parts[1])) else { return nil }
        return (first, total)
    }

    /// Why the head of an answer was refused.
    private final class Refusal: Sendable {
        private let thrown = Mutex<(any Error)?>(nil)

        var error: (any Error)? { thrown.withLock { $0 } }

        func record(_ body: () throws -> Void) -> Bool {
            do {
                try body()
                return true
            } catch {
                thrown.withLock { $0 = error }
                return false
            }
        }
    }
}
