import Foundation
import Synchronization

/// A time-ordered identifier: RFC 9562, version 7.
///
/// 48 bits of Unix milliseconds, the version, 12 bits that order identifiers made within one millisecond, the
/// variant, and 62 random bits. Identifiers from one ``Generator`` strictly increase.
public struct UUIDv7: Sendable, Hashable, Comparable, CustomStringConvertible {
    private let high: UInt64
    private let low: UInt64

    /// Builds an identifier from its fields; bits that do not fit their field are dropped.
    /// - Parameters:
    ///   - milliseconds: Unix time; the low 48 bits count.
    ///   - counter: the low 12 bits count.
    ///   - random: the low 62 bits count.
    public init(milliseconds: UInt64, counter: UInt16, random: UInt64) {
        high = (milliseconds << 16) | 0x7000 | UInt64(counter & 0x0FFF)
        low = 0x8000_0000_0000_0000 | (random & 0x3FFF_FFFF_FFFF_FFFF)
    }

    /// Reads 32 lower-case hexadecimal digits; nil for anything else, and for another version or variant.
    public init?(hexadecimal text: some StringProtocol) {
        let digits = Array(text.utf8)
        guard digits.count == 32 else { return nil }
        var words: [UInt64] = [0, 0]
        for (index, digit) in digits.enumerated() {
            let value: UInt8
            switch digit {
            case 48...57: value = digit - 48
            case 97...102: value = digit - 87
            default: return nil
            }
            words[index / 16] = (words[index / 16] << 4) | UInt64(value)
        }
        guard words[0] >> 12 & 0xF == 7, words[1] >> 62 == 2 else { return nil }
        high = words[0]
        low = words[1]
    }

    /// Unix time in milliseconds at which the identifier was made.
    public var milliseconds: UInt64 { high >> 16 }

    /// 32 lower-case hexadecimal digits without hyphens, in the order of the identifiers.
    public var hexadecimal: String { hexadecimal(after: "") }

    /// The hexadecimal digits after a prefix.
    func hexadecimal(after prefix: StaticString) -> String {
        let length = prefix.utf8CodeUnitCount
        return String(unsafeUninitializedCapacity: length + 32) { buffer in
            for index in 0..<length { buffer[index] = prefix.utf8Start[index] }
            for digit in 0..<32 {
                let word = digit < 16 ? high : low
                let value = UInt8(word >> (60 - 4 * UInt64(digit % 16)) & 15)
                buffer[length + digit] = value < 10 ? 48 + value : 87 + value
            }
            return length + 32
        }
    }

    /// The hexadecimal digits.
    public var description: String { hexadecimal }

    /// Orders by time, then by the counter.
    public static func < (left: UUIDv7, right: UUIDv7) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }

    /// Makes strictly increasing identifiers, also when the clock stands still or steps back.
    public final class Generator: Sendable {
        private struct State {
            var milliseconds: UInt64 = 0
            var counter: UInt16 = 0
            var random: any RandomNumberGenerator & Sendable
        }

        private let state: Mutex<State>

        /// Creates a generator that draws its random bits from `random`.
        public init(random: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()) {
            state = Mutex(State(random: random))
        }

        /// The next identifier for the time `now`; times outside 1970 to about 10889 are clamped.
        public func next(at now: Date) -> UUIDv7 {
            let clamped = max(0, min(0x0000_FFFF_FFFF_FFFF, (now.timeIntervalSince1970 * 1000).rounded(.down)))
            let current = UInt64(clamped)
            return state.withLock { state in
                if current > state.milliseconds {
                    state.milliseconds = current
                    // The top bit stays clear, so that at least 2,048 identifiers fit into every millisecond.
                    state.counter = UInt16(truncatingIfNeeded: state.random.next()) & 0x07FF
                } else if state.counter < 0x0FFF {
                    state.counter += 1
                } else {
                    state.milliseconds += 1
                    state.counter = 0
                }
                return UUIDv7(
                    milliseconds: state.milliseconds, counter: state.counter, random: state.random.next())
            }
        }
    }
}
