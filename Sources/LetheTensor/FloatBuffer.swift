import CKernels
import Foundation
import LetheCore

/// Uninitialised fp32 memory, 64-byte aligned, taken from and given back to ``BufferPool``.
///
/// Not Sendable: one owner at a time, the one that runs the model.
public final class FloatBuffer {
    /// The first element.
    public let pointer: UnsafeMutablePointer<Float>
    /// Elements that may be used.
    public let count: Int
    private let capacity: Int

    /// Takes memory for `count` elements; its content is arbitrary.
    /// - Throws: ``LetheError`` `limit_exceeded` when the size overflows or the system has no memory for it.
    public init(count: Int) throws {
        let (pointer, capacity) = try BufferPool.shared.take(count: count)
        self.pointer = pointer
        self.capacity = capacity
        self.count = count
    }

    /// Takes memory filled with zeros.
    /// - Throws: as ``init(count:)``.
    public convenience init(zeros count: Int) throws {
        try self.init(count: count)
        clear()
    }

    /// Copies an array.
    /// - Throws: as ``init(count:)``.
    public convenience init(_ values: [Float]) throws {
        try self.init(count: values.count)
        values.withUnsafeBufferPointer { source in
            if let base = source.baseAddress { pointer.update(from: base, count: values.count) }
        }
    }

    deinit { BufferPool.shared.giveBack(pointer, capacity: capacity) }

    /// A copy with its own memory.
    /// - Throws: as ``init(count:)``.
    public func copy() throws -> FloatBuffer {
        let copy = try FloatBuffer(count: count)
        lethe_copy(copy.pointer, pointer, Int64(count))
        return copy
    }

    /// Sets every element to zero.
    public func clear() { lethe_clear(pointer, Int64(count)) }

    /// The elements as an array.
    public var array: [Float] { Array(UnsafeBufferPointer(start: pointer, count: count)) }
}
