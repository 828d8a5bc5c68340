import LetheCore
import LetheTensor

extension Decoder {
    /// What a layer's matrices were multiplied with in a forward pass: [T, in] each, in the order of
    /// ``LayerWeights/matrices``.
    /// - Parameter tape: of that pass; it stays as it is.
    /// - Throws: `internal` for a tape without a forward pass, `limit_exceeded`.
    public func matrixInputs(_ index: Int, tape: LayerTape) throws -> [Matrix] {
        let layer = weights.layers[index]
        guard let x = tape.input, let attended = tape.attended, let gateUp = tape.gateUp else {
            throw LetheError(.internalError, "the inputs of a layer without a forward pass")
        }
        let normed = try renormed(layer.attentionNorm, x)
        // With one norm for both branches they have one input.
        let mlpInput = try layer.mlpNorm.map { try renormed($0, tape.middle ?? x) } ?? normed
        let activated = try Matrix(rows: x.rows, columns: configuration.intermediateSize)
        activate(gateUp, into: activated)
        return [normed, attended, mlpInput, activated]
    }
}
