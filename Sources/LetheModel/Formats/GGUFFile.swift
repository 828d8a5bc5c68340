import Foundation
import LetheCore

/// One GGUF file (version 2 or 3, little-endian), mapped read-only.
///
/// Values are given as stored. Converters for llama.cpp reorder the rows of some matrices (the query and key
/// projections of Llama-architecture models, for its layout of rotary embeddings); that order is kept here, and the
/// model that loads the file has to undo it.
public final class GGUFFile: CheckpointReader {
    /// 2 or 3.
    public let version: Int
    /// The metadata by key.
    public let metadata: [String: GGUFValue]
    /// The keys in file order.
    public let metadataKeys: [String]
    /// The names, in the order of the data.
    public let tensorNames: [String]

    let file: MappedFile
    private let tensors: [TensorInfo]
    private let ranges: [Range<Int>]
    private let positions: [UTF8Key: Int]

    /// Opens a file and checks its header completely.
    ///
    /// The file must not be rewritten in place while this object lives.
    ///
    /// - Parameters:
    ///   - url: The file.
    ///   - limits: What is refused.
    ///   - followingSymbolicLinks: Whether the file itself may be a symbolic link.
    /// - Throws: ``LetheError``: `missingInput`, `badData`, `limitExceeded`, `forbidden`, `ioError`, and `unsupported`
    ///   for other versions, unknown encodings and files that are one part of several.
    public init(_ url: URL, limits: FormatLimits = .default, followingSymbolicLinks: Bool = false) throws {
        file = try MappedFile(url, followingSymbolicLinks: followingSymbolicLinks)
        let header = try GGUFHeader(file: file.bytes, limits: limits, context: file.name)
        version = Int(header.version)
        metadataKeys = header.entries.map(\.key)
        var metadata: [String: GGUFValue] = [:]
        metadata.reserveCapacity(header.entries.count)
        for (key, value) in header.entries { metadata[key] = value }
        self.metadata = metadata
        if let parts = metadata["split.count"]?.intValue, parts > 1 {
            throw LetheError(.unsupported, "\(file.name): is one of \(parts) parts; merge them first")
        }
        tensors = header.tensors
        ranges = header.ranges
        let order = header.ranges.indices.sorted { header.ranges[$0].lowerBound < header.ranges[$1].lowerBound }
        tensorNames = order.map { header.tensors[$0].name }
        var positions: [UTF8Key: Int] = [:]
        positions.reserveCapacity(tensors.count)
        for (position, info) in tensors.enumerated() { positions[UTF8Key(info.name)] = position }
        self.positions = positions
    }

    /// The model architecture, such as "llama", when the file names one.
    public var architecture: String? { metadata["general.architecture"]?.stringValue }

    /// What is known about a tensor, or nil when there is none of this name.
    public func info(_ name: String) -> TensorInfo? {
        positions[UTF8Key(name)].map { tensors[$0] }
    }

    /// Calls a closure with the tensor's bytes as stored, valid during the call only and perhaps unaligned.
    ///
    /// - Throws: ``LetheError`` with `notFound`, and what the closure throws.
    public func withRawBytes<Result>(
        _ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        guard let position = positions[UTF8Key(name)] else {
            throw LetheError(.notFound, "\(file.name): no tensor \(name)")
        }
        return try file.withBytes(ranges[position], body)
    }
}
