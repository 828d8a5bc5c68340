import Foundation
import HTTPTypes

/// The id under which one HTTP exchange appears in answers and logs.
enum RequestIdentifier {
    static let field = HTTPField.Name.requestID

    /// The caller's own id when it is 1 to 64 of `A-Z a-z 0-9 -`, else a new one.
    static func of(_ headers: HTTPFields) -> String {
        if let given = headers[field], isValid(given) { return given }
        return UUID().uuidString.lowercased()
    }

    static func isValid(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || $0 == UInt8(ascii: "-")
            }
    }
}

extension HTTPField.Name {
    /// `X-Request-Id`.
    static let requestID = Self("X-Request-Id")!
    /// `Idempotency-Key`.
    static let idempotencyKey = Self("Idempotency-Key")!
    /// `Last-Event-ID`.
    static let lastEventID = Self("Last-Event-ID")!
    /// `Link`.
    static let link = Self("Link")!
    /// `X-Accel-Buffering`.
    static let accelBuffering = Self("X-Accel-Buffering")!
    /// `Sec-Fetch-Site`.
    static let secFetchSite = Self("Sec-Fetch-Site")!
}
