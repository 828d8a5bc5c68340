import Foundation
import LetheCore

/// Weights of the forget loss's tokens (SatImp, Yang et al. 2025, section 4), from the probability p of each; no
/// gradient flows through them.
public enum TokenReweighting: Sendable, Equatable {
    /// 1.
    case none
    /// p^β: the weight falls as the token is forgotten (saturation).
    case simSat(beta: Float)
    /// (1 - p)^β: the weight falls where the token is still certain (importance).
    case simImp(beta: Float)
    /// p^β1 · (1 - p)^β2.
    case satImp(beta1: Float, beta2: Float)
    /// One of the others, shared among several tokens.
    indirect case shared(TokenReweighting, WeightGranularity)
    /// 1 for some tokens, 0 for the rest.
    case sampled(HardSampling)

    /// The names of the weights that depend on p; each also with `-instance` and `-group` after it.
    private static let shapes = ["simsat", "simimp", "satimp"]

    /// All names that ``named(_:)`` knows.
    public static let names =
        ["none"] + shapes + shapes.map { "\($0)-instance" } + shapes.map { "\($0)-group" }
        + [HardSampling.hardestName, HardSampling.easiestName]

    /// A reweighting by name, with its published exponents; `satimp` takes β1 5 and β2 0.1.
    /// - Throws: `unsupported` for an unknown name.
    public static func named(_ name: String) throws -> TokenReweighting {
        for granularity in [WeightGranularity.instance, .group(size: WeightGranularity.defaultGroupSize)] {
            let suffix = "-\(granularity.name)"
            let shape = String(name.dropLast(suffix.count))
            if name.hasSuffix(suffix), shapes.contains(shape) { return .shared(try named(shape), granularity) }
        }
        switch name {
        case "none": return .none
        case "simsat": return .simSat(beta: 5)
        case "simimp": return .simImp(beta: 1)
        case "satimp": return .satImp(beta1: 5, beta2: 0.1)
        case HardSampling.hardestName: return .sampled(HardSampling(keepsHardest: true))
        case HardSampling.easiestName: return .sampled(HardSampling(keepsHardest: false))
        default: throw LetheError(.unsupported, "unknown reweighting; known are \(names.joined(separator: ", "))")
        }
    }

    /// The weight of a token of probability `p`, where it depends on that alone; 1 for hard sampling.
    public func weight(_ p: Float) -> Float {
        let rest = max(0, 1 - p)
        switch self {
        case .none, .sampled: return 1
        case .simSat(let beta): return pow(p, beta)
        case .simImp(let beta): return pow(rest, beta)
        case .satImp(let beta1, let beta2): return pow(p, beta1) * pow(rest, beta2)
        case .shared(let other, _): return other.weight(p)
        }
    }

    /// The weights of the tokens of one sequence, from their nll.
    /// - Parameter importance: factors of a caller's mask, one a token (``TrainingSequence/importance``); nil: none.
    public func weights(_ nll: [Float], importance: [Float]? = nil) -> [Float] {
        let weights =
            switch self {
            case .none, .simSat, .simImp, .satImp: nll.map { weight(exp(-$0)) }
            case .shared(let other, let granularity): granularity.weights(nll, other.weight)
            case .sampled(let sampling): sampling.weights(nll)
            }
        guard let importance else { return weights }
        return zip(weights, importance).map { $0 * $1 }
    }
}
