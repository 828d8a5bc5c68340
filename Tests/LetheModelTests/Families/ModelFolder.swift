import Foundation
import LetheCore
import LetheModel
import LetheTestSupport

/// A copy of a fixture's folder with a changed configuration or changed tensors.
struct ModelFolder {
    /// A tensor of a checkpoint.
    struct Tensor {
        var name: String
        var shape: [Int]
        var values: [Float]
    }

    let fixture: GoldenModel
    /// Fields set in config.json; null sets null.
    var changes = JSONObject()
    /// Fields taken out of config.json.
    var removed: Set<String> = []
    /// What happens to the list of tensors; nil copies the file.
    var edit: (([Tensor]) -> [Tensor])?

    init(_ name: String) throws { fixture = try GoldenModel(name) }

    /// Loads the changed copy.
    func load() throws -> LanguageModel {
        try TemporaryFolder.with { folder in
            guard var config = try GoldenModel.json(fixture.folder.appendingPathComponent("config.json")).objectValue
            else {
                throw LetheError(.badData, "fixture: config.json is not an object")
            }
            for (key, value) in changes.entries { config[key] = value }
            let kept = JSONObject(config.entries.filter { !removed.contains($0.key) }.map { ($0.key, $0.value) })
            try JSONValue.object(kept).serialized().write(to: folder.appendingPathComponent("config.json"))
            try FileManager.default.copyItem(
                at: fixture.folder.appendingPathComponent("tokenizer.json"),
                to: folder.appendingPathComponent("tokenizer.json"))
            let source = fixture.folder.appendingPathComponent("model.safetensors")
            let target = folder.appendingPathComponent("model.safetensors")
            if let edit {
                let tensors = edit(try Self.tensors(source))
                let writer = try SafetensorsWriter(target, tensors: tensors.map { ($0.name, .float32, $0.shape) })
                for tensor in tensors { try writer.write(tensor.name, from: tensor.values) }
                try writer.finish()
            } else {
                try FileManager.default.copyItem(at: source, to: target)
            }
            return try ModelLoader.load(folder)
        }
    }

    private static func tensors(_ url: URL) throws -> [Tensor] {
        let file = try SafetensorsFile(url)
        return try file.tensorNames.map {
            Tensor(name: $0, shape: file.info($0)?.shape ?? [], values: try file.readFloat32($0))
        }
    }
}
