import Foundation
import LetheCore

/// Asks a hub, through its redirects.
struct HubClient: Sendable {
    static let redirectLimit = 8

    let endpoint: HubEndpoint
    let retry: HubRetry

    /// What a repository holds at a revision.
    /// - Throws: `not_found`, `forbidden`, `unavailable`, `bad_data`.
    func listing(_ reference: HubReference) async throws -> HubListing {
        let revision = Self.escape(reference.revision, keepingSlashes: false)
        let url = "\(endpoint.base)/api/models/\(reference.owner)/\(reference.name)/revision/\(revision)?blobs=true"
        return try await retry.run {
            let answer = try await follow(url) { transfer in
                var transfer = transfer
                transfer.headers.append(("Accept", "application/json"))
                transfer.timeout = .seconds(120)
                transfer.answerBytes = HubListing.byteLimit
                return try await transfer.answer()
            }
            try Self.check(answer, "repository or revision")
            return try HubListing(answer.body)
        }
    }

    /// Where a file's content is.
    func url(_ file: HubFile, of reference: HubReference, commit: String) -> String {
        "\(endpoint.base)/\(reference.owner)/\(reference.name)/resolve/\(commit)/"
            + Self.escape(file.name, keepingSlashes: true)
    }

    /// Sends to an address and to where it redirects; never the token to another host, never from TLS to clear text.
    func follow(
        _ url: String, headers: [(name: String, value: String)] = [],
        _ send: (HTTPTransfer) async throws -> HTTPTransfer.Answer
    ) async throws -> HTTPTransfer.Answer {
        var url = url
        for _ in 0...Self.redirectLimit {
            let answer: HTTPTransfer.Answer
            do {
                answer = try await send(endpoint.transfer(url, headers: headers))
            } catch let error as LetheError where error.code == .unavailable {
                throw HubRetry.Passing(error: LetheError(.unavailable, "the hub: \(error.message)"))
            }
            guard [301, 302, 303, 307, 308].contains(answer.status) else { return answer }
            url = try endpoint.target(of: answer.headers["location"], from: url)
        }
        throw LetheError(.unavailable, "the hub redirects more than \(Self.redirectLimit) times")
    }

    /// - Throws: ``HubRetry/Passing`` for an answer that another try may better, `LetheError` for any other that is no
    ///   success.
    static func check(_ answer: HTTPTransfer.Answer, _ what: String) throws {
        switch answer.status {
        case 200...299: return
        case 401, 403:
            throw LetheError(
                .forbidden,
                "the hub refuses the \(what) (status \(answer.status)): it is not there, or needs a token in HF_TOKEN "
                    + "whose owner has accepted its terms")
        case 404, 410: throw LetheError(.notFound, "the hub has no such \(what)")
        case 408, 425, 429, 500, 502, 503, 504:
            throw HubRetry.Passing(
                error: LetheError(.unavailable, "the hub answers with status \(answer.status)"),
                wait: HubRetry.asked(answer.headers["retry-after"]))
        default: throw LetheError(.unavailable, "the hub answers with status \(answer.status)")
        }
    }

    private static func escape(_ text: String, keepingSlashes: Bool) -> String {
        var escaped = ""
        for byte in text.utf8 {
            switch byte {
            case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                escaped.unicodeScalars.append(Unicode.Scalar(byte))
            case UInt8(ascii: "/") where keepingSlashes: escaped += "/"
            default: escaped += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
            }
        }
        return escaped
    }
}
