import Foundation
import LetheCore
import LetheModel
import LetheTensor
import LetheTestSupport
import Testing

@Suite struct WeightFormatTests {
    private static let fixture = GoldenModel.fixtures.appendingPathComponent("attacks/quantization.safetensors")

    private func rounded(_ values: [Float], rows: Int, columns: Int, to format: WeightFormat) throws -> [Float] {
        var values = values
        try values.withUnsafeMutableBufferPointer { buffer in
            try format.round(try #require(buffer.baseAddress), rows: rows, columns: columns)
        }
        return values
    }

    @Test(arguments: WeightFormat.allCases)
    func `a format gives what the reference gives, bit for bit`(format: WeightFormat) throws {
        let file = try SafetensorsFile(Self.fixture)
        let input = try file.readFloat32("input")
        let expected = try file.readFloat32(format.rawValue)
        let actual = try rounded(input, rows: 8, columns: 160, to: format)
        #expect(actual == expected)
        #expect(actual != input)
    }

    @Test func `rows that are no whole number of blocks stay as they are in the ggml formats`() throws {
        let values = (0..<80).map { Float($0) * 0.37 - 9 }
        for format in [WeightFormat.q8_0, .q4_0, .q4_1] {
            #expect(try rounded(values, rows: 2, columns: 40, to: format) == values)
        }
        for format in [WeightFormat.int8, .int4Group32, .nf4] {
            #expect(try rounded(values, rows: 2, columns: 40, to: format) != values)
        }
    }

    @Test(arguments: [WeightFormat.q8_0, .q4_0, .q4_1])
    func `weights that a ggml block cannot hold are refused`(format: WeightFormat) throws {
        for value in [Float.nan, .infinity, .greatestFiniteMagnitude] {
            var values = [Float](repeating: 1, count: 32)
            values[9] = value
            let error = #expect(throws: LetheError.self) {
                try rounded(values, rows: 1, columns: 32, to: format)
            }
            #expect(error?.code == .badData)
        }
    }

    @Test(arguments: WeightFormat.allCases)
    func `weights that are no number do not stop the program`(format: WeightFormat) {
        for value in [Float.nan, .infinity, -.infinity, .greatestFiniteMagnitude, .leastNonzeroMagnitude] {
            _ = try? rounded([Float](repeating: value, count: 64), rows: 1, columns: 64, to: format)
        }
    }

    private static func numbers(_ model: LanguageModel) throws -> [[Float]] {
        let weights = model.decoder.weights
        return try ([weights.embedding] + weights.layers.flatMap(\.matrices)).map { try $0.matrix().array }
    }

    @Test func `only the chosen matrices are rounded, in a copy`() throws {
        let model = try GoldenModel("llama").load()
        let before = try Self.numbers(model)
        let copy = try model.rounded(to: .int4, layers: [1, 99])
        #expect(try Self.numbers(model) == before)
        for index in model.decoder.weights.layers.indices {
            let pairs = zip(model.decoder.weights.layers[index].matrices, copy.decoder.weights.layers[index].matrices)
            for (own, other) in pairs { #expect((own === other) == (index != 1)) }
        }
        #expect(copy.decoder.weights.embedding === model.decoder.weights.embedding)
        let whole = try model.rounded(to: .int4, embeddings: true)
        #expect(try whole.decoder.weights.embedding.matrix().array != model.decoder.weights.embedding.matrix().array)
        #expect(try Self.numbers(model) == before)
    }
}
