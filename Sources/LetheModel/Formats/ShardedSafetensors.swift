import Foundation
import LetheCore

/// A checkpoint in several safetensors files with a `model.safetensors.index.json`, as Hugging Face writes it.
public final class ShardedSafetensors: CheckpointReader {
    /// The file names of the shards, in the order in which the index first names them.
    public let shardNames: [String]
    /// The names, shard by shard, in the order of the data.
    public let tensorNames: [String]

    private let shards: [SafetensorsFile]
    private let shardPositions: [UTF8Key: Int]

    /// Opens the index and every shard, and checks that both name the same tensors.
    ///
    /// - Parameters:
    ///   - index: The index file; shards lie beside it.
    ///   - limits: What is refused.
    ///   - followingSymbolicLinks: Whether the index and the shards may be symbolic links.
    /// - Throws: ``LetheError``: as ``SafetensorsFile/init(_:limits:followingSymbolicLinks:)``; `badData` also when a
    ///   shard's name is no plain file name, or a tensor is missing in its shard, in two shards or not in the index.
    public init(index: URL, limits: FormatLimits = .default, followingSymbolicLinks: Bool = false) throws {
        let file = try MappedFile(index, followingSymbolicLinks: followingSymbolicLinks)
        let place = file.name
        let json = try JSONParser.parse(
            file.bytes, limits: .init(maximumBytes: limits.headerBytes, maximumDepth: 8), context: place)
        guard let map = json["weight_map"]?.objectValue else {
            throw LetheError(.badData, "\(place): weight_map is missing or no object")
        }
        var shardNames: [String] = []
        var shardNumbers: [UTF8Key: Int] = [:]
        var positions: [UTF8Key: Int] = [:]
        positions.reserveCapacity(map.count)
        for (position, entry) in map.entries.enumerated() {
            guard let name = entry.value.stringValue, Self.isPlainFileName(name) else {
                throw LetheError(.badData, "\(place): entry \(position) of weight_map is no plain file name")
            }
            let number = shardNumbers[UTF8Key(name)] ?? shardNames.count
            if number == shardNames.count {
                guard number < limits.shards else {
                    throw LetheError(.limitExceeded, "\(place): more than \(limits.shards) shards")
                }
                shardNumbers[UTF8Key(name)] = number
                shardNames.append(name)
            }
            positions[UTF8Key(entry.key)] = number
        }
        let folder = index.deletingLastPathComponent()
        shards = try shardNames.map {
            try SafetensorsFile(
                folder.appendingPathComponent($0), limits: limits, followingSymbolicLinks: followingSymbolicLinks)
        }
        var names: [String] = []
        for (number, shard) in shards.enumerated() {
            for (position, name) in shard.tensorNames.enumerated() {
                guard positions[UTF8Key(name)] == number else {
                    throw LetheError(
                        .badData, "\(place): tensor \(position) of shard \(number) is not listed for this shard")
                }
                names.append(name)
            }
        }
        guard names.count == positions.count else {
            throw LetheError(.badData, "\(place): \(positions.count - names.count) tensors are not in their shards")
        }
        self.shardNames = shardNames
        shardPositions = positions
        tensorNames = names
    }

    /// What is known about a tensor, or nil when there is none of this name.
    public func info(_ name: String) -> TensorInfo? {
        shardPositions[UTF8Key(name)].flatMap { shards[$0].info(name) }
    }

    /// Calls a closure with the tensor's bytes as stored, valid during the call only and perhaps unaligned.
    ///
    /// - Throws: ``LetheError`` with `notFound`, and what the closure throws.
    public func withRawBytes<Result>(
        _ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        guard let number = shardPositions[UTF8Key(name)] else {
            throw LetheError(.notFound, "the checkpoint has no tensor \(name)")
        }
        return try shards[number].withRawBytes(name, body)
    }

    /// The tensor's bytes as stored, perhaps unaligned, valid as long as the owner lives.
    public func mappedBytes(_ name: String) -> (bytes: UnsafeRawBufferPointer, owner: AnyObject)? {
        shardPositions[UTF8Key(name)].flatMap { shards[$0].mappedBytes(name) }
    }

    /// Whether a name stays in its folder: no separator, no NUL, not hidden, and with the format's extension.
    private static func isPlainFileName(_ name: String) -> Bool {
        let bytes = name.utf8
        return bytes.count <= 255 && bytes.first != UInt8(ascii: ".") && name.hasSuffix(".safetensors")
            && !bytes.contains { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") || $0 < 0x20 || $0 == 0x7F }
    }
}
