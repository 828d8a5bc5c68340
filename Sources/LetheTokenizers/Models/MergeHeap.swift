/// A binary heap of candidate merges: the lowest rank first, then the leftmost position.
package struct MergeHeap {
    private struct Entry {
        /// Rank in the high half, position in the low half.
        var key: UInt64
        var result: Int32
    }

    private var entries: [Entry] = []

    /// A heap without candidates.
    package init() {}

    /// Adds a candidate at the end, for ``heapify()``.
    package mutating func append(rank: Int32, position: Int32, result: Int32) {
        entries.append(Self.entry(rank, position, result))
    }

    /// Makes the heap's order after ``append(rank:position:result:)``.
    package mutating func heapify() {
        guard entries.count > 1 else { return }
        for index in stride(from: entries.count / 2 - 1, through: 0, by: -1) { siftDown(index) }
    }

    /// Adds a candidate to a heap.
    package mutating func insert(rank: Int32, position: Int32, result: Int32) {
        let entry = Self.entry(rank, position, result)
        entries.append(entry)
        var index = entries.count - 1
        while index > 0 {
            let parent = (index - 1) / 2
            if entries[parent].key <= entry.key { break }
            entries[index] = entries[parent]
            index = parent
        }
        entries[index] = entry
    }

    /// Takes the best candidate.
    package mutating func popFirst() -> (position: Int32, result: Int32)? {
        guard let first = entries.first, let last = entries.popLast() else { return nil }
        if !entries.isEmpty {
            entries[0] = last
            siftDown(0)
        }
        return (Int32(truncatingIfNeeded: first.key & 0xFFFF_FFFF), first.result)
    }

    private mutating func siftDown(_ start: Int) {
        let entry = entries[start]
        var index = start
        let count = entries.count
        while true {
            var child = 2 * index + 1
            if child >= count { break }
            if child + 1 < count && entries[child + 1].key < entries[child].key { child += 1 }
            if entry.key <= entries[child].key { break }
            entries[index] = entries[child]
            index = child
        }
        entries[index] = entry
    }

    private static func entry(_ rank: Int32, _ position: Int32, _ result: Int32) -> Entry {
        Entry(
            key: UInt64(UInt32(bitPattern: rank)) << 32 | UInt64(UInt32(bitPattern: position)), result: result)
    }
}
