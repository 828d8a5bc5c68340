import Foundation
import LetheCore

/// Rotary position embedding: which part of a head turns, and how fast (Su et al. 2021).
public struct RotaryConfiguration: Sendable, Equatable {
    /// How the frequencies are changed for contexts longer than those trained on.
    public enum Scaling: Sendable, Equatable {
        case none
        /// Every position divided by a factor.
        case linear(factor: Double)
        /// Llama 3.1: low frequencies divided by the factor, high ones kept, a smooth passage between.
        case llama3(factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double, originalPositions: Double)
    }

    /// Base of the geometric series of wavelengths.
    public var theta: Double
    /// Elements of a head that turn; even.
    public var size: Int
    /// How the frequencies are changed.
    public var scaling: Scaling

    /// Creates a rotary embedding.
    public init(theta: Double, size: Int, scaling: Scaling = .none) {
        self.theta = theta
        self.size = size
        self.scaling = scaling
    }

    /// - Throws: `bad_data` naming the field.
    func validate(headSize: Int) throws {
        guard theta.isFinite, theta > 0 else { throw LetheError(.badData, "config: rope_theta is out of range") }
        guard size >= 2, size % 2 == 0, size <= headSize else {
            throw LetheError(.badData, "config: \(size) rotary elements do not fit heads of \(headSize)")
        }
        switch scaling {
        case .none: break
        case .linear(let factor):
            guard factor.isFinite, factor >= 1e-3 else {
                throw LetheError(.badData, "config: rope factor is out of range")
            }
        case .llama3(let factor, let low, let high, let original):
            guard factor.isFinite, factor >= 1e-3, low > 0, high > low, high.isFinite, original > 0, original.isFinite
            else { throw LetheError(.badData, "config: llama3 rope scaling is out of range") }
        }
    }

    /// Radians a position turns each pair by, [size / 2].
    func frequencies() -> [Double] {
        (0..<size / 2).map { pair in
            let frequency = 1 / pow(theta, Double(2 * pair) / Double(size))
            switch scaling {
            case .none: return frequency
            case .linear(let factor): return frequency / factor
            case .llama3(let factor, let low, let high, let original):
                let wavelength = 2 * Double.pi / frequency
                if wavelength < original / high { return frequency }
                if wavelength > original / low { return frequency / factor }
                let smooth = (original / wavelength - low) / (high - low)
                return (1 - smooth) * frequency / factor + smooth * frequency
            }
        }
    }
}
