import Foundation
import LetheModel
import LetheTensor

/// What holds the rest of the model in place during an update.
public enum KeepTerm: String, Sendable, CaseIterable {
    case none
    /// Mean NLL of keep texts.
    case gd
    /// Mean of -log(p / (1 - p)) on keep texts: unlike the nll's, its gradient does not vanish while a token is well
    /// known, so that what an update does to all texts of a form is held against from the first step on.
    case logOdds = "log-odds"
    /// KL(reference ‖ model) on keep texts.
    case kl
    /// The cross-entropy that FIT publishes under the name of KL.
    case klPublished = "kl-published"
    /// Mean over tokens and dimensions of (h - h^ref)², h being the output of the layer that
    /// ``RepresentationMisdirection`` looks at.
    case rmu
    /// Mean NLL of keep texts as a constraint; its weight is a ``DualVariable``.
    case pdu

    /// The term that an objective was published with, where that is one of its own.
    static func published(for objective: String) -> KeepTerm? {
        switch objective {
        case RepresentationMisdirection.name: .rmu
        case PrimalDual.name: .pdu
        default: nil
        }
    }

    /// Least 1 - p that ``logOdds`` divides by.
    static let leastDoubt: Float = 0.02

    /// What each keep sequence adds to the loss, averaged over all their counted tokens.
    /// - Parameters:
    ///   - nll: of the sequences' counted tokens.
    ///   - layer: whose output ``rmu`` compares.
    ///   - states: for the index of a sequence the reference's states [tokens, hidden]: the output of a layer, or the
    ///     final ones for nil.
    /// - Throws: what `states` throws.
    public func losses(
        _ sequences: [TrainingSequence], nll: [[Float]], weight: Double, layer: Int,
        states: (Int, Int?) throws -> Matrix
    ) rethrows -> [SequenceLoss] {
        let activations = Float(max(1, sequences.reduce(0) { $0 + $1.activationRows.count }))
        let shares = sequences.meanCoefficients(weight: weight)
        return try sequences.enumerated().map { index, sequence in
            var coefficients = shares[index]
            switch self {
            case .none: return .none
            case .gd, .pdu: return .crossEntropy(coefficients: coefficients)
            case .logOdds:
                for (row, nll) in zip(sequence.targetRows, nll[index]) {
                    coefficients[row] /= max(1 - exp(-nll), Self.leastDoubt)
                }
                return .crossEntropy(coefficients: coefficients)
            case .kl: return .divergence(.kl, reference: try states(index, nil), coefficients: coefficients)
            case .klPublished:
                return .divergence(
                    .reverseCrossEntropy, reference: try states(index, nil), coefficients: coefficients)
            case .rmu:
                let target = try states(index, layer)
                let factor = Float(weight) / activations / Float(target.columns)
                return .activation(
                    layer: layer, target: target, coefficients: sequence.activationCoefficients(factor))
            }
        }
    }
}
