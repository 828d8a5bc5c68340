import LetheCore
import LetheTensor

/// The final norm and the output head: hidden states to logits, and back.
///
/// Logits are made in blocks of rows and never all held twice; a pass whose rows fit one block keeps that block between
/// forward and backward, a longer one makes its logits again.
public final class OutputHead {
    /// Rows of logits held at once: 1,024 rows of 49,152 are 192 MiB.
    public static let defaultBlockRows = 1024

    private let decoder: Decoder
    private let hidden: Matrix
    private let normed: Matrix
    private let statistics: NormStatistics
    private let blockRows: Int
    private var kept: (start: Int, logits: Matrix)?

    /// Applies the final norm to hidden[T, hidden].
    /// - Throws: `limit_exceeded`.
    public init(_ decoder: Decoder, hidden: Matrix, blockRows: Int = OutputHead.defaultBlockRows) throws {
        self.decoder = decoder
        self.hidden = hidden
        // Long vocabularies get fewer rows, so that a block stays near 200 MB.
        let fitting = max(16, (50 << 20) / max(decoder.configuration.vocabularySize, 1))
        self.blockRows = max(1, min(blockRows, fitting))
        normed = try Matrix(rows: hidden.rows, columns: hidden.columns)
        statistics = try decoder.applyNorm(decoder.weights.finalNorm, hidden, into: normed)
    }

    /// Row ranges of the blocks.
    public var blocks: [Range<Int>] {
        stride(from: 0, to: hidden.rows, by: blockRows).map { $0..<min($0 + blockRows, hidden.rows) }
    }

    /// Logits of some rows, [rows, vocabulary], softcapped where the model does that.
    /// - Throws: `limit_exceeded`.
    public func logits(_ rows: Range<Int>) throws -> Matrix {
        if let kept, kept.start == rows.lowerBound, kept.logits.rows == rows.count {
            self.kept = nil
            return kept.logits
        }
        let logits = try Matrix(rows: rows.count, columns: decoder.configuration.vocabularySize)
        try Linear.forward(
            normed.rowRange(rows.lowerBound, rows.count), decoder.weights.head, into: logits,
            precision: decoder.precision)
        if let bias = decoder.weights.headBias { Kernels.addBias(bias, to: logits) }
        if decoder.configuration.logitSoftcap > 0 { Kernels.softcap(logits, cap: decoder.configuration.logitSoftcap) }
        return logits
    }

    /// Gives a block's untouched logits back, to be used again by the next call for the same rows.
    public func keep(_ logits: Matrix, start: Int) {
        if blocks.count == 1 { kept = (start, logits) }
    }

    /// Statistics of every row; rows without a target (nil) get 0.
    /// - Throws: `limit_exceeded`.
    public func statistics(targets: [Int32?], moments: Bool = false) throws -> Kernels.LogitStatistics {
        var result = Kernels.LogitStatistics()
        for rows in blocks {
            let logits = try logits(rows)
            let block = Kernels.logitStatistics(logits, targets: targets[rows].map { $0 ?? 0 }, moments: moments)
            keep(logits, start: rows.lowerBound)
            result.nll += block.nll
            result.logSumExp += block.logSumExp
            result.argmax += block.argmax
            result.mean += block.mean
            result.variance += block.variance
        }
        for row in targets.indices where targets[row] == nil { result.nll[row] = 0 }
        return result
    }

    /// The gradient at the hidden states of a loss whose gradient at some rows' logits `gradient` writes over them.
    ///
    /// - Parameters:
    ///   - headGradient: where the head's own gradient is added, [vocabulary, hidden], or nil.
    ///   - finalNormGradient: likewise for the final norm's vectors; may be empty.
    ///   - gradient: called for each block with its rows and its logits, which it turns into their gradient.
    /// - Returns: [T, hidden].
    /// - Throws: `limit_exceeded`.
    public func backward(
        headGradient: Matrix? = nil, headBiasGradient: FloatBuffer? = nil, finalNormGradient: [FloatBuffer] = [],
        gradient: (Range<Int>, Matrix) throws -> Void
    ) throws -> Matrix {
        let dnormed = try Matrix(rows: hidden.rows, columns: hidden.columns)
        for rows in blocks {
            let logits = try logits(rows)
            let cap = decoder.configuration.logitSoftcap
            let capped = cap > 0 ? try logits.copy() : nil
            try gradient(rows, logits)
            if let capped { Kernels.softcapBackward(logits, y: capped, cap: cap) }
            try Linear.backwardInput(
                logits, decoder.weights.head, into: dnormed.rowRange(rows.lowerBound, rows.count),
                precision: decoder.precision)
            if let headGradient {
                try Linear.backwardWeight(
                    logits, normed.rowRange(rows.lowerBound, rows.count), into: headGradient,
                    precision: decoder.precision)
            }
            if let headBiasGradient { Kernels.biasBackward(logits, dbias: headBiasGradient) }
        }
        let dhidden = try Matrix(zeros: hidden.rows, columns: hidden.columns)
        decoder.backwardNorm(
            decoder.weights.finalNorm, dnormed, x: hidden, statistics: statistics, dx: dhidden, finalNormGradient)
        return dhidden
    }
}
