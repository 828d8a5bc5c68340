import Foundation
import LetheCore
import Testing

@Suite struct TimestampTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (1_798_070_400, "2026-12-24T00:00:00.000Z"),
        (951_782_399.9994, "2000-02-28T23:59:59.999Z"), (951_782_400, "2000-02-29T00:00:00.000Z"),
        (-0.001, "1969-12-31T23:59:59.999Z"), (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        (1_709_210_096.0625, "2024-02-29T12:34:56.063Z"), (-62_135_596_800, "0001-01-01T00:00:00.000Z"),
        (253_402_300_799.999, "9999-12-31T23:59:59.999Z"), (1e300, "9999-12-31T23:59:59.999Z"),
        (-1e300, "0001-01-01T00:00:00.000Z"),
    ])
    func `a time is written to the millisecond, in UTC`(seconds: Double, text: String) {
        #expect(Timestamp.string(Date(timeIntervalSince1970: seconds)) == text)
    }

    @Test func `what is written is read back`() {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<10_000 {
            let milliseconds = generator.nextInt(below: 300_000_000) * 1_000_000 - 60_000_000_000_000
            let date = Date(timeIntervalSince1970: Double(milliseconds + generator.nextInt(below: 1000)) / 1000)
            let text = Timestamp.string(date)
            #expect(text.utf8.count == 24)
            let read = Timestamp.parse(text)
            #expect(abs((read ?? .distantPast).timeIntervalSince(date)) < 0.0001, "\(text)")
        }
    }
}
