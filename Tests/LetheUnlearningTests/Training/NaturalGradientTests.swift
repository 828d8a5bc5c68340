import LetheCore
import LetheModel
import LetheTensor
import LetheTestSupport
import LetheUnlearning
import Testing

@Suite struct NaturalGradientTests {
    /// A model whose trained matrices are all its layers', and a step's parts.
    private struct Bench {
        let model: LanguageModel
        let parameters: TrainableParameters
        let pass: TrainingPass

        init(_ name: String) throws {
            model = try GoldenModel(name).load()
            parameters = try TrainableParameters(
                model.decoder, scope: .matrices(layers: Array(0..<model.configuration.layerCount)))
            pass = TrainingPass(model.decoder, parameters: parameters)
        }

        /// The gradient of the mean nll, added to what is there; that nll.
        @discardableResult
        func addGradient(_ ids: [Int32], sign: Float = 1) throws -> Double {
            let sequence = TrainingSequence(ids: ids)
            let weight = sign / Float(sequence.targetCount)
            let losses = [SequenceLoss.crossEntropy(coefficients: sequence.targetRows.map { _ in weight })]
            return try pass.run([sequence]) { _ in losses }.meanNLL(0)
        }

        func nll(_ ids: [Int32]) throws -> Double { try pass.statistics([TrainingSequence(ids: ids)]).meanNLL(0) }

        /// - Parameter felt: texts whose outputs matter; empty: the outputs of all are the same.
        func rule(
            holding texts: [[Int32]], damping: Double, felt: [[Int32]] = [], outputDamping: Double? = nil
        ) throws -> NaturalGradient {
            let covariance = try InputCovariance(model.decoder, layers: parameters.layers, of: texts)
            let outputs = try OutputCovariance(
                pass, model.decoder, layers: parameters.layers, of: felt.map { TrainingSequence(ids: $0) })
            return try NaturalGradient(
                model.decoder, parameters: parameters, covariance: covariance, outputs: outputs,
                settings: NaturalGradient.Settings(damping: damping, outputDamping: outputDamping))
        }

        /// One step that raises the nll of a text.
        func raise(_ ids: [Int32], _ rule: NaturalGradient, loss: Double, rate: Double = 1) throws {
            parameters.clearGradients()
            rule.begin()
            try addGradient(ids, sign: -1)
            for layer in parameters.layers { try rule.visit(layer, learningRate: rate) }
            try rule.finish(fall: loss)
        }
    }

    @Test(arguments: GoldenModel.names)
    func `nothing is left of the gradient of a text that is held`(name: String) throws {
        let bench = try Bench(name)
        let ids = try GoldenModel(name).longest.ids
        try bench.addGradient(ids)
        let covariance = try InputCovariance(bench.model.decoder, layers: bench.parameters.layers)
        try covariance.add([ids])
        for layer in bench.parameters.layers {
            let gradients = try #require(bench.parameters.gradients(layer)).matrices
            let filters = try covariance.takeFilters(layer, damping: 1e-4)
            #expect(filters.count == gradients.count)
            for (place, (gradient, filter)) in zip(gradients, filters).enumerated() {
                let left = try Matrix(rows: gradient.rows, columns: gradient.columns)
                try Linear.product(gradient, filter, into: left)
                let share = (Kernels.sumOfSquares(left) / Kernels.sumOfSquares(gradient)).squareRoot()
                #expect(share < 0.05, "layer \(layer), matrix \(place)")
            }
        }
    }

    @Test func `without a text to hold it is the gradient`() throws {
        let bench = try Bench("llama")
        let covariance = try InputCovariance(bench.model.decoder, layers: [1])
        for filter in try covariance.takeFilters(1, damping: 0.1) {
            let identity = (0..<filter.count).map { $0 / filter.columns == $0 % filter.columns ? Float(1) : 0 }
            #expect(filter.array == identity)
        }
        #expect(try covariance.takeFilters(1, damping: 0.1).isEmpty)
    }

    @Test func `a row a thousand times as large as the others counts as sixteen of them`() throws {
        let values: [Float] = [0, 1, 0.6, 0.8, 1, 0, 3000, 4000, 0.8, 0.6]
        let input = try Matrix(rows: 5, columns: 2)
        for (place, value) in values.enumerated() { input.pointer[place] = value }
        let clipped = try InputCovariance.withoutOutliers(input).array
        #expect(clipped[..<6] == values[..<6] && clipped[8...] == values[8...])
        #expect(abs(clipped[6] - 2.4) < 1e-5 && abs(clipped[7] - 3.2) < 1e-5)
        #expect(input.array == values)
    }

    @Test func `a damping too small for fp32 is raised`() throws {
        let bench = try Bench("llama")
        let covariance = try InputCovariance(bench.model.decoder, layers: [0])
        try covariance.add([try GoldenModel("llama").sequences[0].ids])
        for filter in try covariance.takeFilters(0, damping: 1e-30) {
            #expect(filter.array.filter { !$0.isFinite } == [])
        }
    }

    @Test func `a step lowers the loss by the share that is asked for`() throws {
        let golden = try GoldenModel("llama").sequences.map(\.ids)
        for rate in [0.002, 0.004] {
            let bench = try Bench("llama")
            let rule = try bench.rule(holding: [golden[0]], damping: 0.1)
            let before = try bench.nll(golden[1])
            try bench.raise(golden[1], rule, loss: 10, rate: rate)
            let rise = try bench.nll(golden[1]) - before
            #expect(abs(rise / (rate * 10) - 1) < 0.1, "\(rise)")
        }
    }

    @Test func `a text that is held hardly changes`() throws {
        let golden = try GoldenModel("llama").sequences.map(\.ids)
        func change(holding texts: [[Int32]]) throws -> Double {
            let bench = try Bench("llama")
            let rule = try bench.rule(holding: texts, damping: 0.01)
            let before = try bench.nll(golden[0])
            for _ in 0..<5 { try bench.raise(golden[1], rule, loss: 0.1) }
            return abs(try bench.nll(golden[0]) - before)
        }
        let (held, free) = (try change(holding: [golden[0]]), try change(holding: []))
        #expect(held < 0.25 * free)
    }

    @Test func `a text hardly changes whose outputs are held`() throws {
        let golden = try GoldenModel("llama").sequences.map(\.ids)
        func change(feeling felt: [[Int32]], _ damping: Double?) throws -> Double {
            let bench = try Bench("llama")
            let rule = try bench.rule(holding: [], damping: 0.1, felt: felt, outputDamping: damping)
            let before = (try bench.nll(golden[0]), try bench.nll(golden[1]))
            for _ in 0..<5 { try bench.raise(golden[1], rule, loss: 0.1) }
            #expect(try bench.nll(golden[1]) > before.1 + 0.1)
            return abs(try bench.nll(golden[0]) - before.0)
        }
        let free = try change(feeling: [], nil)
        #expect(try change(feeling: [golden[0]], 0.001) < 0.5 * free)
        // Without any text that feels them, and without damping, outputs are all the same.
        #expect(try change(feeling: [], 0.1) == free)
        #expect(try change(feeling: [golden[0]], nil) == free)
    }

    @Test func `blocks of outputs are equal and cover all`() {
        for width in [1, 2048, 2049, 3072, 28672] {
            let blocks = OutputCovariance.blocks(width)
            #expect(blocks.flatMap { Array($0) } == Array(0..<width))
            #expect(blocks.allSatisfy { $0.count <= OutputCovariance.blockWidth && $0.count >= width / blocks.count })
        }
    }

    @Test func `a share of a step can be taken back`() throws {
        let ids = try GoldenModel("llama").longest.ids
        let bench = try Bench("llama")
        let rule = try bench.rule(holding: [], damping: 0.1)
        let before = try bench.nll(ids)
        try bench.raise(ids, rule, loss: 0.1)
        let whole = try bench.nll(ids) - before
        try rule.takeBack(0.5)
        let half = try bench.nll(ids) - before
        #expect(whole > 0.05 && abs(half / whole - 0.5) < 0.1)
        // What is left of the step.
        try rule.takeBack(1)
        #expect(abs(try bench.nll(ids) - before) < 0.001 * whole)
    }

    @Test func `without a slope nothing moves`() throws {
        let bench = try Bench("llama")
        let ids = try GoldenModel("llama").longest.ids
        let rule = try bench.rule(holding: [], damping: 0.1)
        let before = try bench.nll(ids)
        bench.parameters.clearGradients()
        rule.begin()
        for layer in bench.parameters.layers { try rule.visit(layer, learningRate: 1) }
        try rule.finish(fall: 1)
        #expect(try bench.nll(ids) == before)
    }
}
