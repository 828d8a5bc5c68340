import Foundation
import LetheCore

/// The redundancy memory of a model in one space.
public struct MemorySnapshot: Sendable {
    /// What one request added.
    public struct Entry: Sendable, Equatable {
        /// The request.
        public let requestID: RequestID
        /// Its vectors, as indices of vectors.
        public let range: Range<Int>
    }

    /// Values in one vector; 0 when the memory is empty.
    public internal(set) var dimension = 0
    /// One vector after the other.
    public internal(set) var vectors: [Float] = []
    /// Which vectors came from which request, in the order in which the requests were applied.
    public internal(set) var entries: [Entry] = []

    /// How many vectors there are.
    public var count: Int { dimension == 0 ? 0 : vectors.count / dimension }

    /// Appends little-endian Float32 values.
    /// - Throws: ``LetheError`` with code `bad_data` when the byte count or the dimension does not fit.
    mutating func append(_ data: Data, dimension: Int, count: Int, requestID: RequestID) throws {
        let (values, overflow) = dimension.multipliedReportingOverflow(by: count)
        guard !overflow, dimension > 0, count > 0, data.count / 4 == values, data.count % 4 == 0,
            self.dimension == 0 || self.dimension == dimension
        else {
            throw LetheError(.badData, "the stored memory of \(requestID) does not have the size that it should")
        }
        self.dimension = dimension
        let start = self.count
        data.withUnsafeBytes { bytes in
            #if _endian(little)
                vectors.append(
                    contentsOf: [Float](unsafeUninitializedCapacity: values) { buffer, initialized in
                        UnsafeMutableRawBufferPointer(buffer).copyMemory(from: bytes)
                        initialized = values
                    })
            #else
                for offset in stride(from: 0, to: bytes.count, by: 4) {
                    let pattern = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
                    vectors.append(Float(bitPattern: pattern))
                }
            #endif
        }
        entries.append(Entry(requestID: requestID, range: start..<start + count))
    }
}
