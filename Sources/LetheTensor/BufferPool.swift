import Foundation
import LetheCore
import Synchronization

/// Keeps freed buffers for reuse: a training step takes the same sizes over and over, and fresh pages from the system
/// cost more than the arithmetic done on them.
///
/// Sizes are rounded up to an eighth of a power of two, so at most 12.5 % of a buffer is unused.
public final class BufferPool: Sendable {
    /// The process's pool.
    public static let shared = BufferPool()

    /// Kept memory above this many bytes goes back to the system at once.
    public static let keptByteLimit = 4 << 30

    private struct State: ~Copyable {
        var free: [Int: [UInt]] = [:]
        var keptBytes = 0
        var usedBytes = 0
        var peakUsedBytes = 0
    }

    private let state = Mutex(State())

    /// Largest number of bytes in use at once since the last ``resetPeak()``.
    public var peakUsedBytes: Int { state.withLock { $0.peakUsedBytes } }

    /// Starts a new peak measurement.
    public func resetPeak() { state.withLock { $0.peakUsedBytes = $0.usedBytes } }

    /// Gives every kept buffer back to the system.
    public func trim() {
        let freed = state.withLock { state in
            let all = state.free.values.flatMap { $0 }
            state.free = [:]
            state.keptBytes = 0
            return all
        }
        for address in freed { Foundation.free(UnsafeMutableRawPointer(bitPattern: address)) }
    }

    func take(count: Int) throws -> (UnsafeMutablePointer<Float>, capacity: Int) {
        guard count >= 0, count <= Int.max / 16 else {
            throw LetheError(.limitExceeded, "a buffer of \(count) elements cannot be made")
        }
        let capacity = Self.capacity(for: count)
        let kept: UInt? = state.withLock { state in
            state.usedBytes += capacity * 4
            state.peakUsedBytes = max(state.peakUsedBytes, state.usedBytes)
            guard let address = state.free[capacity]?.popLast() else { return nil }
            state.keptBytes -= capacity * 4
            return address
        }
        if let kept, let pointer = UnsafeMutablePointer<Float>(bitPattern: kept) { return (pointer, capacity) }
        guard let raw = aligned_alloc(64, capacity * 4) else {
            state.withLock { $0.usedBytes -= capacity * 4 }
            throw LetheError(.limitExceeded, "no memory for \(capacity * 4) bytes")
        }
        return (raw.bindMemory(to: Float.self, capacity: capacity), capacity)
    }

    func giveBack(_ pointer: UnsafeMutablePointer<Float>, capacity: Int) {
        let keep = state.withLock { state in
            state.usedBytes -= capacity * 4
            guard state.keptBytes + capacity * 4 <= Self.keptByteLimit else { return false }
            state.free[capacity, default: []].append(UInt(bitPattern: pointer))
            state.keptBytes += capacity * 4
            return true
        }
        if !keep { free(pointer) }
    }

    /// `count` rounded up to a multiple of 16 and of an eighth of its power of two.
    static func capacity(for count: Int) -> Int {
        let least = max(count, 16)
        let power = Int.bitWidth - 1 - least.leadingZeroBitCount
        let quantum = max(16, (1 << power) / 8)
        return (least + quantum - 1) / quantum * quantum
    }
}
