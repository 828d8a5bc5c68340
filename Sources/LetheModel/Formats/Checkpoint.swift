import Foundation
import LetheCore

/// Opening a checkpoint without knowing its format.
public enum Checkpoint {
    /// Opens a model folder, a safetensors file, a shard index or a GGUF file.
    ///
    /// In a folder `model.safetensors.index.json` is looked for first, then `model.safetensors`. Files are told apart
    /// by their first bytes and, for an index, by its name.
    ///
    /// - Parameters:
    ///   - url: The folder or file.
    ///   - limits: What is refused.
    ///   - followingSymbolicLinks: Whether the files may be symbolic links, as in a Hugging Face cache.
    /// - Throws: ``LetheError``: `missingInput` when nothing is there, and what the readers throw.
    public static func open(
        _ url: URL, limits: FormatLimits = .default, followingSymbolicLinks: Bool = false
    ) throws -> any CheckpointReader {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isDirectory) else {
            throw LetheError(.missingInput, "\(url.lastPathComponent): no such file or folder")
        }
        if isDirectory.boolValue {
            let index = url.appendingPathComponent("model.safetensors.index.json")
            if FileManager.default.fileExists(atPath: index.path) {
                return try ShardedSafetensors(
                    index: index, limits: limits, followingSymbolicLinks: followingSymbolicLinks)
            }
            let file = url.appendingPathComponent("model.safetensors")
            guard FileManager.default.fileExists(atPath: file.path) else {
                throw LetheError(.missingInput, "\(url.lastPathComponent): no model.safetensors in the folder")
            }
            return try SafetensorsFile(file, limits: limits, followingSymbolicLinks: followingSymbolicLinks)
        }
        if url.lastPathComponent.hasSuffix(".index.json") {
            return try ShardedSafetensors(index: url, limits: limits, followingSymbolicLinks: followingSymbolicLinks)
        }
        if try startsWithGGUFMagic(url, followingSymbolicLinks: followingSymbolicLinks) {
            return try GGUFFile(url, limits: limits, followingSymbolicLinks: followingSymbolicLinks)
        }
        return try SafetensorsFile(url, limits: limits, followingSymbolicLinks: followingSymbolicLinks)
    }

    private static func startsWithGGUFMagic(_ url: URL, followingSymbolicLinks: Bool) throws -> Bool {
        let file = try MappedFile(url, followingSymbolicLinks: followingSymbolicLinks)
        return withExtendedLifetime(file) { file.bytes.prefix(4).elementsEqual("GGUF".utf8) }
    }
}
