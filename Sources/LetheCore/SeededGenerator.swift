import Foundation

/// xoshiro256** (Blackman and Vigna 2018), its state filled by SplitMix64 from one seed.
///
/// The same seed gives the same sequence on every machine and in every version of this package.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    /// Creates a generator whose whole sequence is a function of `seed`.
    public init(seed: UInt64) {
        var splitMix = seed
        func next(_ x: inout UInt64) -> UInt64 {
            x &+= 0x9E37_79B9_7F4A_7C15
            var z = x
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
        state = (next(&splitMix), next(&splitMix), next(&splitMix), next(&splitMix))
    }

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        let scrambled = state.1 &* 5
        let result = ((scrambled << 7) | (scrambled >> 57)) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = (state.3 << 45) | (state.3 >> 19)
        return result
    }

    /// A uniform value in [0, 1) with 53 random bits.
    public mutating func nextUniform() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// A uniform integer in `0 ..< bound`.
    /// - Precondition: `bound` is positive.
    public mutating func nextInt(below bound: Int) -> Int {
        precondition(bound > 0, "bound must be positive")
        // Lemire's multiply-shift with rejection: exact, and stable across standard-library versions.
        let range = UInt64(bound)
        let threshold = (0 &- range) % range
        while true {
            let product = next().multipliedFullWidth(by: range)
            if product.low >= threshold { return Int(product.high) }
        }
    }

    /// A standard normal value (Box and Muller 1958; one of the pair is discarded).
    public mutating func nextGaussian() -> Double {
        let radius = (-2 * Foundation.log(1 - nextUniform())).squareRoot()
        return radius * Foundation.cos(2 * Double.pi * nextUniform())
    }

    /// Shuffles in place (Fisher and Yates), the same way for the same seed and count.
    public mutating func shuffle<Element>(_ array: inout [Element]) {
        guard array.count > 1 else { return }
        for index in stride(from: array.count - 1, to: 0, by: -1) {
            array.swapAt(index, nextInt(below: index + 1))
        }
    }
}
