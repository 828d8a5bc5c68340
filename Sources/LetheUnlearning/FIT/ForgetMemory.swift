import LetheCore
import LetheTensor

/// The vectors of every chunk forgotten so far; no text.
///
/// Kept in bfloat16 for the search: one pass over a million vectors reads half the memory, and a cosine near 0.9 is
/// off by less than 0.002.
public final class ForgetMemory {
    /// Elements of a vector.
    public let dimension: Int
    private var bits: [UInt16] = []
    /// Vectors held.
    public private(set) var count = 0

    /// An empty memory.
    public init(dimension: Int) { self.dimension = dimension }

    /// Adds L2-normalised vectors.
    /// - Throws: `bad_data` for a vector of another length.
    public func append(_ vectors: [[Float]]) throws {
        for vector in vectors {
            guard vector.count == dimension else {
                throw LetheError(.badData, "a vector of \(vector.count) elements; the memory's have \(dimension)")
            }
            bits += vector.map { BFloat16.bits($0) }
            count += 1
        }
    }

    /// The largest cosine of each query with the memory; -1 with an empty one.
    /// - Throws: `bad_data` for a query of another length.
    public func largestCosines(_ queries: [[Float]]) throws -> [Float] {
        guard queries.allSatisfy({ $0.count == dimension }) else {
            throw LetheError(.badData, "a query vector does not have \(dimension) elements")
        }
        guard count > 0, !queries.isEmpty else { return queries.map { _ in -1 } }
        return Kernels.largestDotProducts(queries: queries, memory: bits, dimension: dimension)
    }
}

/// Rounding of single values to bfloat16.
enum BFloat16 {
    /// The nearest value's bits, ties to even.
    static func bits(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ ((bits >> 16) & 1)) >> 16)
    }
}
