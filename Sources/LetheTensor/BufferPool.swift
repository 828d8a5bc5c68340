import Foundation
import LetheCore
import Synchronization

/// Keeps freed buffers for reuse: a training step takes the same sizes over and over, and fresh pages from the system
/// cost more than the arithmetic done on them.
///
/// Sizes are rounded up to an eighth of a power of two, so at most 12.5 % of a buffer is unused. Large buffers are
/// mappings of their own: what ``trim()`` gives back really leaves the process, which memory from `malloc` need not.
public final class BufferPool: Sendable {
    /// The process's pool.
    public static let shared = BufferPool()

    /// Kept memory above this many bytes goes back to the system at once.
    public static let keptByteLimit = 4 << 30

    /// Buffers of at least this many bytes are mappings of their own.
    private static let mappedByteCount = 1 << 16

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
            let all = state.free
            state.free = [:]
            state.keptBytes = 0
            return all
        }
        for (capacity, addresses) in freed {
            for address in addresses {
                if let memory = UnsafeMutableRawPointer(bitPattern: address) { Self.release(memory, capacity * 4) }
            }
        }
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
        guard let raw = Self.allocate(capacity * 4) else {
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
        if !keep { Self.release(pointer, capacity * 4) }
    }

    /// Memory from the system, 64-byte aligned; nil without any.
    private static func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer? {
        guard byteCount >= mappedByteCount else { return aligned_alloc(64, byteCount) }
        let memory = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let memory, memory != MAP_FAILED else { return nil }
        return memory
    }

    private static func release(_ memory: UnsafeMutableRawPointer, _ byteCount: Int) {
        if byteCount >= mappedByteCount {
            munmap(memory, byteCount)
        } else {
            free(memory)
        }
    }

    /// `count` rounded up to a multiple of 16 and of an eighth of its power of two.
    static func capacity(for count: Int) -> Int {
        let least = max(count, 16)
        let power = Int.bitWidth - 1 - least.leadingZeroBitCount
        let quantum = max(16, (1 << power) / 8)
        return (least + quantum - 1) / quantum * quantum
    }
}
