import Foundation
import LetheCore

/// Which files of a repository make the model that Lethe reads.
struct HubSelection: Sendable, Equatable {
    /// Small files that are taken where they are there; the first two have to be.
    static let documents = [
        "config.json", "tokenizer.json", "generation_config.json", "tokenizer_config.json", "special_tokens_map.json",
        "sentence_bert_config.json", "modules.json", "1_Pooling/config.json", "LICENSE", "LICENSE.txt", "LICENSE.md",
    ]
    static let requiredDocuments = 2
    static let weights = "model.safetensors"
    static let index = "model.safetensors.index.json"
    /// Bytes of a document.
    static let documentLimit = 32 << 20
    /// Files of weights.
    static let shardLimit = 4096

    /// A file and the path that it gets in the folder.
    struct Entry: Sendable, Equatable {
        var file: HubFile
        var path: String
    }

    /// What is known without reading any file.
    var entries: [Entry]
    /// The index of the shards, when there are shards; a part of ``entries``.
    var indexEntry: Entry?

    /// Chooses.
    /// - Parameter gguf: the path of one GGUF file, which is then all there is.
    /// - Throws: `not_found` when the repository has no such file or model, `unsupported` when its weights are of
    ///   another form, `limit_exceeded`.
    init(_ listing: HubListing, gguf: String?) throws {
        if let gguf {
            guard let file = listing.file(gguf), gguf.lowercased().hasSuffix(".gguf") else {
                throw LetheError(.notFound, "the repository has no such .gguf file; \(Self.ggufChoice(listing))")
            }
            entries = [Entry(file: file, path: String(gguf.split(separator: "/").last ?? Substring(gguf)))]
            return
        }
        var entries: [Entry] = []
        for (number, name) in Self.documents.enumerated() {
            guard let file = listing.file(name) else {
                guard number >= Self.requiredDocuments else {
                    throw LetheError(.notFound, "the repository has no \(name); \(Self.ggufChoice(listing))")
                }
                continue
            }
            try Self.checkDocument(file)
            entries.append(Entry(file: file, path: name))
        }
        if let file = listing.file(Self.weights) {
            entries.append(Entry(file: file, path: Self.weights))
        } else if let file = listing.file(Self.index) {
            try Self.checkDocument(file)
            let entry = Entry(file: file, path: Self.index)
            entries.append(entry)
            indexEntry = entry
        } else {
            let pickled = listing.files.contains { $0.name.hasSuffix(".bin") || $0.name.hasSuffix(".pt") }
            throw LetheError(
                pickled ? .unsupported : .notFound,
                "the repository has no safetensors weights; "
                    + (pickled ? "pickled ones can run code and are not read" : Self.ggufChoice(listing)))
        }
        self.entries = entries
    }

    /// Adds the shards that the index names.
    /// - Throws: `bad_data` for an index that is none, or that names something else than files of the repository.
    mutating func addShards(_ index: Data, _ listing: HubListing) throws {
        let json = try JSONParser.parse(
            index, limits: .init(maximumBytes: Self.documentLimit, maximumDepth: 16, maximumElements: 2_000_000),
            context: Self.index)
        guard let map = json["weight_map"]?.objectValue else {
            throw LetheError(.badData, "\(Self.index): has no weight_map")
        }
        var names: Set<String> = []
        for (position, entry) in map.entries.enumerated() {
            guard let name = entry.value.stringValue, HubFile.isSafe(name), !name.contains("/"),
                name.hasSuffix(".safetensors")
            else {
                throw LetheError(.badData, "\(Self.index)#/weight_map: entry \(position) names no safetensors file")
            }
            names.insert(name)
        }
        guard (1...Self.shardLimit).contains(names.count) else {
            throw LetheError(
                .limitExceeded, "\(Self.index): names \(names.count) files; 1 to \(Self.shardLimit) are read")
        }
        for name in names.sorted() {
            guard let file = listing.file(name) else {
                throw LetheError(.badData, "\(Self.index): names a file that the repository does not have")
            }
            entries.append(Entry(file: file, path: name))
        }
    }

    private static func checkDocument(_ file: HubFile) throws {
        guard file.size <= documentLimit else {
            throw LetheError(.limitExceeded, "\(file.name): \(file.size) bytes; the limit is \(documentLimit)")
        }
    }

    private static func ggufChoice(_ listing: HubListing) -> String {
        let names = listing.files.map(\.name).filter { $0.lowercased().hasSuffix(".gguf") }
        guard !names.isEmpty else { return "--list shows what it has" }
        return "--gguf takes one of \(names.prefix(12).joined(separator: ", "))\(names.count > 12 ? ", ..." : "")"
    }
}
