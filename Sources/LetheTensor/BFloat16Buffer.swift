import CKernels
import Foundation
import LetheCore

/// bfloat16 values: memory of its own, or a read-only part of a mapped file that `owner` keeps alive.
public final class BFloat16Buffer {
    /// The first element's bits.
    public let pointer: UnsafePointer<UInt16>
    /// Elements.
    public let count: Int
    private let backing: FloatBuffer?
    private let owner: AnyObject?

    /// Rounds fp32 values to nearest even.
    /// - Throws: ``LetheError`` `limit_exceeded`.
    public init(rounding source: UnsafePointer<Float>, count: Int) throws {
        let backing = try FloatBuffer(count: (count + 1) / 2)
        let bits = UnsafeMutableRawPointer(backing.pointer).assumingMemoryBound(to: UInt16.self)
        lethe_to_bfloat16(bits, source, Int64(count))
        self.backing = backing
        self.count = count
        owner = nil
        pointer = UnsafePointer(bits)
    }

    /// Looks at bits that `owner` keeps alive and unchanged.
    public init(mapped pointer: UnsafePointer<UInt16>, count: Int, owner: AnyObject) {
        self.pointer = pointer
        self.count = count
        self.owner = owner
        backing = nil
    }

    /// Widens all values into `destination`, which has room for ``count``.
    public func widen(into destination: UnsafeMutablePointer<Float>) {
        lethe_from_bfloat16(destination, pointer, Int64(count))
    }
}
