import Foundation
import LetheCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Brings a model from a hub into a folder.
///
/// Everything is fetched into a folder of its own beside the final one, `<out>.incomplete`, and checked there; the
/// final name appears once, with the whole model behind it. What an interrupted pull has fetched is used by the next.
public struct HubPull: Sendable {
    /// The file in the folder that says what it holds.
    public static let recordName = "hub.json"

    /// How far a pull is.
    public struct Progress: Sendable {
        /// The file's path in the folder.
        public var file: String
        /// Bytes of all files that are there.
        public var done: Int
        /// Bytes of all files that are known to be needed.
        public var total: Int
    }

    /// What a folder holds.
    public struct Snapshot: Sendable, Equatable {
        /// `OWNER/NAME`.
        public var repository: String
        /// What was asked for.
        public var revision: String
        /// What that stood for.
        public var commit: String
        /// Paths in the folder, with sizes and checksums.
        public var files: [(path: String, size: Int, digest: HubDigest)]
        /// Whether it was there already, whole.
        public var wasThere = false

        /// Everything but ``wasThere``.
        public static func == (left: Snapshot, right: Snapshot) -> Bool { left.json == right.json }

        /// What ``HubPull/recordName`` holds.
        public var json: JSONValue {
            let files = files.map { file -> JSONValue in
                let name =
                    switch file.digest {
                    case .sha256: "sha256"
                    case .gitBlob: "git_blob"
                    }
                return [
                    "path": .string(file.path), "bytes": .integer(Int64(file.size)), name: .string(file.digest.text),
                ]
            }
            return [
                "repository": .string(repository), "revision": .string(revision), "commit": .string(commit),
                "files": .array(files),
            ]
        }
    }

    private let client: HubClient
    private let reference: HubReference

    /// Prepares a pull.
    public init(_ reference: HubReference, from endpoint: HubEndpoint, retry: HubRetry = HubRetry()) {
        self.reference = reference
        client = HubClient(endpoint: endpoint, retry: retry)
    }

    /// What the repository has.
    /// - Throws: `not_found`, `forbidden`, `unavailable`, `bad_data`.
    public func listing() async throws -> HubListing { try await client.listing(reference) }

    /// Brings the model.
    /// - Parameters:
    ///   - out: the folder to make. When it is there and holds this very model, it is only checked.
    ///   - gguf: a `.gguf` file of the repository, to have that alone.
    /// - Throws: `conflict` when the folder is something else or another pull is at work on it, `disk_full`,
    ///   `unavailable` when the hub cannot be reached often enough, `bad_data` when it sends something else than it
    ///   lists, and what ``HubSelection`` throws.
    public func run(
        to out: URL, gguf: String? = nil, onProgress: @escaping @Sendable (Progress) -> Void = { _ in }
    ) async throws -> Snapshot {
        let out = out.standardizedFileURL
        if FileManager.default.fileExists(atPath: out.path) {
            return try await check(out, gguf: gguf)
        }
        let listing = try await listing()
        var selection = try HubSelection(listing, gguf: gguf)
        let work = try WorkFolder(for: out)
        var done = 0
        func fetch(_ entries: [HubSelection.Entry]) async throws {
            let total = selection.entries.reduce(0) { $0 + $1.file.size }
            for entry in entries {
                let target = work.url.appendingPathComponent(entry.path)
                let before = done
                try FileManager.default.createDirectory(
                    at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
                if !PartialFile.holds(entry.file, at: target) {
                    let url = client.url(entry.file, of: reference, commit: listing.commit)
                    try await HubDownload(client: client, url: url, file: entry.file, target: target).run { count in
                        onProgress(Progress(file: entry.path, done: before + count, total: total))
                    }
                }
                done += entry.file.size
                onProgress(Progress(file: entry.path, done: done, total: total))
            }
        }
        if let index = selection.indexEntry {
            try work.requireSpace(selection.entries)
            try await fetch([index])
            done = 0
            let data = try Data(contentsOf: work.url.appendingPathComponent(index.path))
            try selection.addShards(data, listing)
        }
        try work.requireSpace(selection.entries)
        try await fetch(selection.entries)
        let snapshot = snapshot(listing, selection)
        try work.finish(snapshot, keeping: Set(selection.entries.map(\.path)))
        return snapshot
    }

    private func snapshot(_ listing: HubListing, _ selection: HubSelection) -> Snapshot {
        Snapshot(
            repository: "\(reference.owner)/\(reference.name)", revision: reference.revision, commit: listing.commit,
            files: selection.entries.map { ($0.path, $0.file.size, $0.file.digest) })
    }

    /// Whether a folder that is there is what was asked for.
    private func check(_ out: URL, gguf: String?) async throws -> Snapshot {
        let other = LetheError(
            .conflict, "the output folder is there and holds something else; remove it, or give --out another")
        let record = out.appendingPathComponent(Self.recordName)
        guard let data = try? Data(contentsOf: record), let json = try? JSONParser.parse(data, context: "record"),
            json["repository"]?.stringValue == "\(reference.owner)/\(reference.name)"
        else { throw other }
        let listing = try await listing()
        guard json["commit"]?.stringValue == listing.commit else { throw other }
        var selection = try HubSelection(listing, gguf: gguf)
        if let index = selection.indexEntry {
            guard let data = try? Data(contentsOf: out.appendingPathComponent(index.path)) else { throw other }
            try selection.addShards(data, listing)
        }
        var snapshot = snapshot(listing, selection)
        guard snapshot.json["files"] == json["files"] else { throw other }
        for entry in selection.entries
        where !PartialFile.holds(entry.file, at: out.appendingPathComponent(entry.path)) {
            throw LetheError(.badData, "\(entry.path) in the output folder is damaged; remove the folder")
        }
        snapshot.wasThere = true
        return snapshot
    }
}
