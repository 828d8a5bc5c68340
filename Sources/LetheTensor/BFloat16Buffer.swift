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

    /// Zeros in memory of its own.
    /// - Throws: ``LetheError`` `limit_exceeded`.
    public init(zeros count: Int) throws {
        let backing = try FloatBuffer(zeros: count / 2 + 1)
        self.backing = backing
        self.count = count
        owner = nil
        pointer = UnsafePointer(UnsafeMutableRawPointer(backing.pointer).assumingMemoryBound(to: UInt16.self))
    }

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

    /// Widens some values into `destination`, which has room for them.
    /// - Precondition: the range lies within ``count``.
    public func widen(_ range: Range<Int>, into destination: UnsafeMutablePointer<Float>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "range out of bounds")
        lethe_from_bfloat16(destination, pointer + range.lowerBound, Int64(range.count))
    }

    /// Overwrites some values with fp32 values rounded to nearest even.
    /// - Precondition: the range lies within ``count``, and the memory is the buffer's own.
    public func round(_ source: UnsafePointer<Float>, to range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "range out of bounds")
        guard let backing else { preconditionFailure("a mapped file cannot be written") }
        let bits = UnsafeMutableRawPointer(backing.pointer).assumingMemoryBound(to: UInt16.self)
        lethe_to_bfloat16(bits + range.lowerBound, source, Int64(range.count))
    }

    /// Takes the pages of a mapped file out of the process's resident memory; the next use reads them again, from the
    /// system's file cache as long as they are there. Does nothing for memory of its own.
    func releasePages() {
        if owner != nil { Self.releasePages(of: UnsafeRawBufferPointer(start: pointer, count: 2 * count)) }
    }

    /// As ``releasePages()``, for any part of a file that is mapped read-only.
    package static func releasePages(of bytes: UnsafeRawBufferPointer) {
        guard let first = bytes.baseAddress else { return }
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let start = Int(bitPattern: first) / page * page
        // Only advice: nothing is lost when the system does not take it.
        madvise(UnsafeMutableRawPointer(bitPattern: start), Int(bitPattern: first) + bytes.count - start, MADV_DONTNEED)
    }
}
