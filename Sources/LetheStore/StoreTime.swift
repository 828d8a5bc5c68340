import Foundation

/// Times in the database: whole microseconds since 1970, so that equal and ordered mean what they say.
enum StoreTime {
    /// Microseconds of a date, clamped to the years that RFC 3339 can write.
    static func microseconds(_ date: Date) -> Int64 {
        let value = (date.timeIntervalSince1970 * 1_000_000).rounded()
        return Int64(max(-62_135_596_800_000_000, min(253_402_300_799_999_000, value)))
    }

    /// The date of a stored time.
    static func date(_ microseconds: Int64) -> Date {
        Date(timeIntervalSince1970: Double(microseconds) / 1_000_000)
    }
}
