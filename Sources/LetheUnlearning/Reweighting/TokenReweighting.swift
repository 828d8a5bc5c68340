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

    /// A reweighting by name, with its published exponents; `satimp` takes β1 5 and β2 0.1.
    /// - Throws: `unsupported` for an unknown name.
    public static func named(_ name: String) throws -> TokenReweighting {
        switch name {
        case "none": return .none
        case "simsat": return .simSat(beta: 5)
        case "simimp": return .simImp(beta: 1)
        case "satimp": return .satImp(beta1: 5, beta2: 0.1)
        default: throw LetheError(.unsupported, "unknown reweighting; known are none, simsat, simimp, satimp")
        }
    }

    /// The weight of a token of probability `p`.
    public func weight(_ p: Float) -> Float {
        let rest = max(0, 1 - p)
        switch self {
        case .none: return 1
        case .simSat(let beta): return pow(p, beta)
        case .simImp(let beta): return pow(rest, beta)
        case .satImp(let beta1, let beta2): return pow(p, beta1) * pow(rest, beta2)
        }
    }

    /// The weights of tokens with these nll.
    public func weights(_ nll: [Float]) -> [Float] { nll.map { weight(exp(-$0)) } }
}
