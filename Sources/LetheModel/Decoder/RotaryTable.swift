import Foundation
import LetheTensor

/// Cosines and sines of a rotary embedding, made as far as positions have been asked for.
final class RotaryTable {
    private let frequencies: [Double]
    /// Elements of a head that turn.
    let size: Int
    private(set) var cosine: FloatBuffer
    private(set) var sine: FloatBuffer
    private var length = 0

    init(_ configuration: RotaryConfiguration) throws {
        frequencies = configuration.frequencies()
        size = configuration.size
        cosine = try FloatBuffer(count: 0)
        sine = try FloatBuffer(count: 0)
    }

    /// Makes the table cover positions below `count`; [length, size / 2] each.
    func extend(to count: Int) throws {
        guard count > length else { return }
        let newLength = max(count, min(2 * length, length + 4096), 256)
        let half = frequencies.count
        let newCosine = try FloatBuffer(count: newLength * half)
        let newSine = try FloatBuffer(count: newLength * half)
        for position in 0..<newLength {
            for pair in 0..<half {
                // In fp32, as the reference implementations form the angle.
                let angle = Float(position) * Float(frequencies[pair])
                newCosine.pointer[position * half + pair] = Foundation.cos(angle)
                newSine.pointer[position * half + pair] = Foundation.sin(angle)
            }
        }
        cosine = newCosine
        sine = newSine
        length = newLength
    }
}
