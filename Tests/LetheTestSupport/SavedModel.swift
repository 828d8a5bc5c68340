import Foundation
import LetheModel

/// A model as files in memory, so that each test has one of its own.
package struct SavedModel: Sendable {
    private let files: [String: Data]

    package init(_ model: LanguageModel) throws {
        files = try TemporaryFolder.with { parent in
            let folder = parent.appendingPathComponent("model")
            try ModelExporter.export(model, to: folder)
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            return try Dictionary(
                uniqueKeysWithValues: names.map {
                    ($0, try Data(contentsOf: folder.appendingPathComponent($0)))
                })
        }
    }

    package func load() throws -> LanguageModel {
        try TemporaryFolder.with { folder in
            for (name, data) in files { try data.write(to: folder.appendingPathComponent(name)) }
            return try ModelLoader.load(folder)
        }
    }
}
