import Foundation
import LetheCore

/// One safetensors file, mapped read-only.
public final class SafetensorsFile: CheckpointReader {
    /// The strings under `__metadata__` in the header, such as "format": "pt".
    public let metadata: [String: String]
    /// The names, in the order of the data.
    public let tensorNames: [String]

    private let file: MappedFile
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
    ///   - followingSymbolicLinks: Whether the file itself may be a symbolic link, as in a Hugging Face cache.
    /// - Throws: ``LetheError``: `missingInput`, `badData`, `limitExceeded`, `unsupported`, `forbidden`, `ioError`.
    public init(_ url: URL, limits: FormatLimits = .default, followingSymbolicLinks: Bool = false) throws {
        file = try MappedFile(url, followingSymbolicLinks: followingSymbolicLinks)
        let header = try SafetensorsHeader(file: file.bytes, limits: limits, context: file.name)
        metadata = header.metadata
        tensors = header.tensors
        ranges = header.ranges
        tensorNames = header.tensors.map(\.name)
        var positions: [UTF8Key: Int] = [:]
        positions.reserveCapacity(tensors.count)
        for (position, info) in tensors.enumerated() { positions[UTF8Key(info.name)] = position }
        self.positions = positions
    }

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

    /// The tensor's bytes as stored, perhaps unaligned, valid as long as the owner lives.
    public func mappedBytes(_ name: String) -> (bytes: UnsafeRawBufferPointer, owner: AnyObject)? {
        positions[UTF8Key(name)].map { (UnsafeRawBufferPointer(rebasing: file.bytes[ranges[$0]]), file) }
    }
}
