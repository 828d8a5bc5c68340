import Crypto
import Foundation
import LetheCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The files of generations: `models/<name>/generations/<number>-<12 hex>/`, made durable before the database refers
/// to them and never changed afterwards.
///
/// Blocks its thread while it hashes and syncs; ``offPool(_:)`` keeps that away from the threads that serve tasks.
public final class GenerationStore: Sendable {
    /// How much of a generation is compared with its manifest.
    public enum Depth: Sendable {
        /// Names, kinds and sizes, and the manifest itself.
        case sizes
        /// Also the SHA-256 of every file.
        case contents
    }

    private let directory: DataDirectory
    private let failPoints: FailPoints
    private let queue = DispatchQueue(label: "lethe.generations")

    /// Opens the store of a locked data directory.
    public init(directory: DataDirectory, failPoints: FailPoints = .environment) {
        self.directory = directory
        self.failPoints = failPoints
    }

    /// Runs blocking work on a thread of its own, one after the other. Not cancelled with the calling task.
    public func offPool<Result: Sendable>(
        _ body: @escaping @Sendable (GenerationStore) throws -> Result
    ) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Swift.Result { try body(self) }) }
        }
    }

    // MARK: - Paths

    private func modelPath(_ model: String) -> String { "\(directory.modelsURL.path)/\(model)" }
    private func generationsPath(_ model: String) -> String { "\(modelPath(model))/generations" }
    private func temporaryPath(_ model: String) -> String { "\(modelPath(model))/tmp" }

    /// The folder of a generation, from which models are loaded. Its files must not be changed.
    public func url(_ model: String, _ generation: GenerationRow) -> URL {
        url(model, folder: generation.folder)
    }

    /// The folder of a generation by its name.
    public func url(_ model: String, folder: String) -> URL {
        URL(fileURLWithPath: "\(generationsPath(model))/\(folder)", isDirectory: true)
    }

    // MARK: - Publishing

    /// Makes an empty folder for a new generation.
    ///
    /// - Parameters:
    ///   - fence: names the folder, so that two attempts never share one.
    ///   - parent: the generation to build on; its manifest is checked for its digest and sizes.
    /// - Throws: ``LetheError`` with code `bad_data` when the parent is damaged.
    public func stage(model: String, fence: Int64, parent: GenerationRow?) throws -> GenerationStaging {
        guard ModelName.isValid(model) else { throw LetheError(.badData, "model: \(ModelName.rule)") }
        for path in [modelPath(model), generationsPath(model), temporaryPath(model)] {
            try FileSystem.createFolder(path)
        }
        let path = "\(temporaryPath(model))/\(fence)"
        try FileSystem.removeTree(path)
        try FileSystem.createFolder(path)
        let manifest = try parent.map { try verify(model, $0, depth: .sizes) }
        return GenerationStaging(
            model: model, url: URL(fileURLWithPath: path, isDirectory: true), parent: parent,
            parentManifest: manifest, parentPath: parent.map { url(model, $0).path })
    }

    /// Deletes a staging that will not be published.
    public func discard(_ staging: GenerationStaging) throws {
        try FileSystem.removeTree(staging.url.path)
    }

    /// Makes a staging durable under its final name: every file synced and hashed, manifest.json written and synced,
    /// the folder synced, renamed without replacing anything, and the parent folders synced.
    ///
    /// A crash before the rename leaves a folder under `tmp/`, one after it leaves a whole generation that nothing
    /// refers to; the next start deletes either. The staging must not be used afterwards.
    /// - Parameters:
    ///   - number: ``ClaimedRequest/nextGeneration``; 0 for an import.
    ///   - requestIDs: the requests that it carries out.
    ///   - method: how it was made, such as `fit` or `import`.
    /// - Throws: ``LetheError`` with code `bad_data` when the folder holds anything but plain files, `conflict` when
    ///   the final name is taken, `disk_full`, `sync_failed` after which the process has to exit.
    public func publish(
        _ staging: GenerationStaging, number: Int, requestIDs: [RequestID], method: String, seed: UInt64? = nil,
        codeVersion: String, createdAt: Date
    ) throws -> PublishedGeneration {
        let path = staging.url.path
        try failPoints.reach("publish.after_stage")
        var files: [GenerationManifest.File] = []
        for name in try FileSystem.entries(path) {
            files.append(try settle(name, in: staging))
            try failPoints.reach("publish.after_file_sync")
        }
        guard !files.isEmpty else { throw LetheError(.badData, "a generation without files") }
        let manifest = GenerationManifest(
            model: staging.model, number: number, createdAt: createdAt, parentNumber: staging.parent?.number,
            parentDigest: staging.parent?.manifestDigest, requestIDs: requestIDs, method: method, seed: seed,
            codeVersion: codeVersion, files: files)
        let data = manifest.data
        try FileSystem.writeNew("\(path)/\(GenerationManifest.fileName)", data, mode: 0o400)
        try failPoints.reach("publish.after_manifest")
        try FileSystem.syncFolder(path)
        try failPoints.reach("publish.after_folder_sync")
        let digest = Data(SHA256.hash(data: data))
        let folder = "\(number)-\(Hexadecimal.string(digest.prefix(6)))"
        try FileSystem.renameFolder(path, toNew: "\(generationsPath(staging.model))/\(folder)")
        try failPoints.reach("publish.after_rename")
        try FileSystem.syncFolder(generationsPath(staging.model))
        try FileSystem.syncFolder(temporaryPath(staging.model))
        try failPoints.reach("publish.after_parent_sync")
        return PublishedGeneration(
            model: staging.model, number: number, folder: folder, manifestDigest: digest,
            parentNumber: staging.parent?.number, parentDigest: staging.parent?.manifestDigest,
            byteCount: manifest.byteCount, files: files)
    }

    /// Makes one staged file read-only and durable, and describes it.
    private func settle(_ name: String, in staging: GenerationStaging) throws -> GenerationManifest.File {
        guard GenerationManifest.isFileName(name), name != GenerationManifest.fileName else {
            throw LetheError(.badData, "a generation holds a file with a name that is not allowed")
        }
        let path = "\(staging.url.path)/\(name)"
        let status = try FileSystem.status(path)
        guard status.kind == S_IFREG else { throw LetheError(.badData, "\(name) is not a regular file") }
        if let parentPath = staging.parentPath,
            let file = staging.parentManifest?.files.first(where: { $0.name.utf8.elementsEqual(name.utf8) }),
            let original = try? FileSystem.status("\(parentPath)/\(name)"),
            original.device == status.device, original.inode == status.inode
        {
            // The parent's own file: durable and hashed already.
            return file
        }
        guard chmod(path, 0o400) == 0 else { throw FileSystem.error("chmod", path) }
        try FileSystem.syncFile(path)
        let (digest, size) = try FileSystem.digest(path)
        return GenerationManifest.File(name: name, size: size, digest: digest)
    }

    // MARK: - Checking

    /// Compares a generation with its manifest, and its manifest with the database.
    /// - Throws: ``LetheError`` with code `bad_data` naming the file that is missing, changed or too many.
    @discardableResult
    public func verify(_ model: String, _ generation: GenerationRow, depth: Depth) throws -> GenerationManifest {
        try verify(model, folder: generation.folder, manifestDigest: generation.manifestDigest, depth: depth)
    }

    /// The same for a generation that is not in the database.
    @discardableResult
    public func verify(_ model: String, folder: String, manifestDigest: Data, depth: Depth) throws
        -> GenerationManifest
    {
        let path = url(model, folder: folder).path
        func damaged(_ what: String) -> LetheError {
            LetheError(.badData, "generation \(folder) of \(model) is damaged: \(what)")
        }
        guard let data = try? FileSystem.contents("\(path)/\(GenerationManifest.fileName)", limit: 32 << 20) else {
            throw damaged("manifest.json cannot be read")
        }
        guard Data(SHA256.hash(data: data)) == manifestDigest else { throw damaged("manifest.json was changed") }
        let manifest = try GenerationManifest(data: data)
        let expected = Set(manifest.files.map(\.name) + [GenerationManifest.fileName])
        guard Set(try FileSystem.entries(path)) == expected else { throw damaged("a file is missing or too many") }
        for file in manifest.files {
            let status = try FileSystem.status("\(path)/\(file.name)")
            guard status.kind == S_IFREG, status.size == file.size else {
                throw damaged("\(file.name) has another size")
            }
            if depth == .contents {
                guard try FileSystem.digest("\(path)/\(file.name)").digest == file.digest else {
                    throw damaged("\(file.name) was changed")
                }
            }
        }
        return manifest
    }

    // MARK: - Deleting

    /// The models that have a folder, registered or not.
    public func modelFolders() throws -> [String] {
        try FileSystem.entries(directory.modelsURL.path).filter(ModelName.isValid)
    }

    /// Deletes what unfinished publications left under `tmp/`. Only while no generation is in the making.
    /// - Returns: how many folders there were.
    @discardableResult
    public func deleteTemporaries(_ model: String) throws -> Int {
        let entries = try FileSystem.entries(temporaryPath(model))
        for entry in entries { try FileSystem.removeTree("\(temporaryPath(model))/\(entry)") }
        if !entries.isEmpty { try FileSystem.syncFolder(temporaryPath(model)) }
        return entries.count
    }

    /// Deletes every generation folder but the named ones. Only while no generation is between publication and the
    /// commit that refers to it. Names that no generation has are left alone.
    /// - Returns: what was deleted.
    @discardableResult
    public func collect(_ model: String, keeping: Set<String>) throws -> [String] {
        var deleted: [String] = []
        for entry in try FileSystem.entries(generationsPath(model))
        where Self.isGenerationFolder(entry) && !keeping.contains(entry) {
            try delete(model, folder: entry)
            deleted.append(entry)
        }
        return deleted
    }

    /// Deletes one generation's folder, durably. Files that later generations share stay with them. Does nothing when
    /// it is not there; can be repeated after a crash.
    public func delete(_ model: String, folder: String) throws {
        guard ModelName.isValid(model), Self.isGenerationFolder(folder) else {
            throw LetheError(.usage, "not the name of a generation's folder")
        }
        try FileSystem.removeTree("\(generationsPath(model))/\(folder)")
        try FileSystem.syncFolder(generationsPath(model))
    }

    private static func isGenerationFolder(_ name: String) -> Bool {
        let parts = name.split(separator: "-", omittingEmptySubsequences: false)
        return parts.count == 2 && !parts[0].isEmpty && parts[0].utf8.allSatisfy { (48...57).contains($0) }
            && parts[1].utf8.count == 12
            && parts[1].utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }
}
