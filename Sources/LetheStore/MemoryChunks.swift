import Foundation
import LetheCore

/// Embeddings of the chunks of one request that the model was made to forget.
public struct MemoryChunks: Sendable, Equatable {
    /// Names the encoder: only vectors of the same space are compared. 1 to 128 bytes.
    public let space: String
    /// Values in one vector.
    public let dimension: Int
    /// One vector after the other, `count * dimension` values.
    public let vectors: [Float]

    /// How many chunks there are; at least one.
    public var count: Int { vectors.count / dimension }

    /// Describes embeddings.
    /// - Throws: ``LetheError`` with code `usage` when there is no vector, when the count of values is no multiple of
    ///   the dimension, or when a value is not finite.
    public init(space: String, dimension: Int, vectors: [Float]) throws {
        guard (1...128).contains(space.utf8.count) else {
            throw LetheError(.usage, "memory: the name of the space has to have 1 to 128 bytes")
        }
        guard dimension > 0, !vectors.isEmpty, vectors.count % dimension == 0 else {
            throw LetheError(.usage, "memory: \(vectors.count) values are not whole vectors of \(dimension)")
        }
        guard vectors.allSatisfy(\.isFinite) else { throw LetheError(.usage, "memory: a value is not finite") }
        self.space = space
        self.dimension = dimension
        self.vectors = vectors
    }

    /// Little-endian Float32 values.
    var data: Data {
        vectors.withUnsafeBytes { bytes in
            #if _endian(little)
                Data(bytes)
            #else
                Data(vectors.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian, Array.init) })
            #endif
        }
    }
}
