import Foundation
import HTTPTypes

/// The id under which one HTTP exchange appears in answers and logs.
enum RequestIdentifier {
    static let field = HTTPField.Name.requestID

    /// The caller's own id when it is 1 to 64 of `A-Z a-z 0-9 -`, else a new one.
    static func of(_ headers: HTTPFields) -> String {
        if let given = headers[field], isValid(given) { return given }
        return new()
    }

    /// A random id: 32 hexadecimal digits. Foundation's UUID would open a file for each.
    private static func new() -> String {
        var random = SystemRandomNumberGenerator()
        let words = (random.next() as UInt64, random.next() as UInt64)
        return String(unsafeUninitializedCapacity: 32) { buffer in
            for digit in 0..<32 {
                let word = digit < 16 ? words.0 : words.1
                let value = UInt8(word >> (4 * UInt64(digit % 16)) & 15)
                buffer[digit] = value < 10 ? 48 + value : 87 + value
            }
            return 32
        }
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
