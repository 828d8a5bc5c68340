import Foundation
import HTTPTypes
import Hummingbird
import LetheCore
import LetheStore

/// Strong entity tags (RFC 9110 section 8.8.3) of requests, and the conditions on them.
enum EntityTag {
    /// The tag of a request: its revision, which counts every change of the row.
    static func of(_ row: RequestRow) -> String { "\"\(row.revision)\"" }

    /// The request with its tag, or 304 when the client has it already.
    static func response(_ row: RequestRow, to request: Request) -> Response {
        let tag = of(row)
        if let condition = request.headers[.ifNoneMatch], matches(condition, tag, weakly: true) {
            return Response(status: .notModified, headers: [.eTag: tag])
        }
        return .json(row.json, headers: [.eTag: tag])
    }

    /// The revision that a change has to find, from `If-Match`; nil when the client did not ask for one.
    /// - Parameter row: The request as it is now.
    /// - Throws: ``Problem`` with status 412 when the request has changed since.
    static func requiredRevision(_ row: RequestRow, for request: Request) throws -> Int64? {
        guard let condition = request.headers[.ifMatch] else { return nil }
        guard matches(condition, of(row), weakly: false) else { throw mismatch }
        return row.revision
    }

    /// The answer to a change of something that is not what the client has seen.
    static let mismatch = Problem(
        .preconditionFailed, "precondition_failed", "the entity tag in If-Match is not the current one")

    /// Whether a list of tags holds this one; `*` holds all. Weak comparison ignores the `W/` prefix.
    static func matches(_ list: String, _ tag: String, weakly: Bool) -> Bool {
        list.split(separator: ",").contains { part in
            var candidate = part.trimmingCharacters(in: .whitespaces)
            if candidate == "*" { return true }
            if weakly, candidate.hasPrefix("W/") { candidate.removeFirst(2) }
            return candidate.utf8.elementsEqual(tag.utf8)
        }
    }
}
