import Foundation
import LetheCore

/// Single decoder layers as files, for work that changes few layers at a time and has to be resumed.
public enum LayerFiles {
    /// The name of a layer's file.
    public static func name(_ layer: Int) -> String {
        "model-layer-" + String(repeating: "0", count: max(0, 5 - "\(layer)".count)) + "\(layer).safetensors"
    }

    /// Writes one layer in fp32; durable when the call returns. A crash midway leaves no file of that name.
    /// - Throws: `usage` for a layer that the model does not have, `disk_full`, `io_error`.
    public static func write(_ layer: Int, of model: LanguageModel, to folder: URL) throws {
        try check(layer, model)
        let shard = ModelExporter.Shard(
            name: name(layer), slots: model.slots.filter { $0.place.layer == layer }, layer: layer)
        try ModelExporter.writeShard(shard, of: model, type: .float32, to: folder)
    }

    /// Gives a model's layer the values of a file that ``write(_:of:to:)`` wrote. Models that shared the layer keep
    /// theirs.
    /// - Throws: `missing_input`, `bad_data` when the file is not of this layer; the model is then as it was.
    public static func read(_ layer: Int, of model: LanguageModel, from folder: URL) throws {
        try check(layer, model)
        let file = try SafetensorsFile(folder.appendingPathComponent(name(layer)))
        var weights = model.decoder.weights
        try weights.detachLayer(layer)
        for slot in model.slots where slot.place.layer == layer {
            guard let view = try weights.view(slot.place) else { continue }
            try slot.load(from: file, into: view)
        }
        model.decoder.weights = weights
    }

    private static func check(_ layer: Int, _ model: LanguageModel) throws {
        guard 0..<model.configuration.layerCount ~= layer else {
            throw LetheError(.usage, "layer \(layer); the model has \(model.configuration.layerCount)")
        }
    }
}
