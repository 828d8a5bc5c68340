import LetheTensor

extension LanguageModel {
    /// A model whose attention and MLP matrices are rounded to a format; it shares everything else with this one, which
    /// keeps every bit.
    /// - Parameters:
    ///   - layers: which layers are rounded; nil: all.
    ///   - embeddings: whether token embeddings and output head are rounded too.
    /// - Throws: as ``WeightFormat/round(_:rows:columns:)``, `limit_exceeded`.
    package func rounded(
        to format: WeightFormat, layers: [Int]? = nil, embeddings: Bool = false
    ) throws -> LanguageModel {
        var weights = decoder.weights
        func rounded(_ matrix: WeightMatrix) throws -> WeightMatrix {
            let copy = try matrix.copyForTraining()
            try format.round(copy.values(), rows: copy.rows, columns: copy.columns)
            copy.valuesChanged()
            return copy
        }
        for index in layers ?? Array(weights.layers.indices) where weights.layers.indices.contains(index) {
            weights.layers[index].queryKeyValue = try rounded(weights.layers[index].queryKeyValue)
            weights.layers[index].output = try rounded(weights.layers[index].output)
            weights.layers[index].gateUp = try rounded(weights.layers[index].gateUp)
            weights.layers[index].down = try rounded(weights.layers[index].down)
        }
        if embeddings {
            weights.embedding = try rounded(weights.embedding)
            weights.separateHead = try weights.separateHead.map(rounded)
        }
        return try sharing(weights)
    }
}
