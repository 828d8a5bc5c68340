import Foundation
import LetheModel
import LetheTestSupport

/// What a model would be saved as: the way to compare two models, or one with PyTorch's.
enum ModelTensors {
    /// Every tensor of the checkpoint by name.
    static func read(_ model: LanguageModel) throws -> [String: [Float]] {
        try TemporaryFolder.with { parent in
            let folder = parent.appendingPathComponent("model")
            try ModelExporter.export(model, to: folder)
            let file = try SafetensorsFile(folder.appendingPathComponent("model.safetensors"))
            return try Dictionary(uniqueKeysWithValues: file.tensorNames.map { ($0, try file.readFloat32($0)) })
        }
    }

    /// Euclidean norm.
    static func norm(_ values: [Float]) -> Double { values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot() }
}
