import Foundation

/// A generation whose files are durable under their final name; nothing refers to it until the database does.
public struct PublishedGeneration: Sendable, Equatable {
    /// The model it belongs to.
    public let model: String
    /// Its number among the model's generations.
    public let number: Int
    /// The name of its folder.
    public let folder: String
    /// SHA-256 of its manifest.json.
    public let manifestDigest: Data
    /// The number of the generation it was made from.
    public let parentNumber: Int?
    /// SHA-256 of that generation's manifest.json.
    public let parentDigest: Data?
    /// The size of its files.
    public let byteCount: Int
    /// Its files but the manifest, which its certificate lists.
    public let files: [GenerationManifest.File]

    /// Describes a generation;
    /// ``GenerationStore/publish(_:number:requestIDs:method:seed:codeVersion:createdAt:)`` makes them for real.
    public init(
        model: String, number: Int, folder: String, manifestDigest: Data, parentNumber: Int?, parentDigest: Data?,
        byteCount: Int, files: [GenerationManifest.File] = []
    ) {
        self.model = model
        self.number = number
        self.folder = folder
        self.manifestDigest = manifestDigest
        self.parentNumber = parentNumber
        self.parentDigest = parentDigest
        self.byteCount = byteCount
        self.files = files
    }
}
