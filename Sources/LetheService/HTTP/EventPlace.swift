import HTTPTypes
import Hummingbird

/// Which events a caller asks for, and in which form.
struct EventPlace {
    /// Only events with a larger sequence.
    let after: Int64
    /// Entries of a page.
    let limit: Int
    /// Whether a stream is wanted, and not a page.
    let isStream: Bool

    /// Reads the query, `Accept` and, for a stream, `Last-Event-ID`.
    /// - Throws: ``Problem`` with status 400.
    init(_ request: Request, limits: HTTPLimits) throws {
        let query = try QueryParameters(target: request.head.path ?? "", allowing: ["after", "limit"])
        let after = try query.integer("after", in: 0...Int.max) ?? 0
        limit = try query.integer("limit", in: 1...limits.maximumPageSize) ?? limits.defaultPageSize
        let lastEventID = try request.headers[.lastEventID].map { text in
            guard let number = QueryParameters.decimal(text) else {
                throw Problem.badRequest("Last-Event-ID must be the id of an event")
            }
            return number
        }
        isStream = API.prefersStream(request.headers[values: .accept])
        self.after = Int64(isStream ? lastEventID ?? after : after)
    }
}
