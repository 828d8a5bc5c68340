/// The merges of byte-pair encoding: for a pair of neighbouring ids, the merge's rank and the id it makes.
///
/// An open-addressing table, seeded for each process.
struct MergeTable {
    /// Keys are (left, right) packed in 64 bits; `empty` marks a free slot.
    private var keys: [UInt64]
    private var ranks: [Int32]
    private var results: [Int32]
    private let mask: Int
    private let seed: UInt64
    private static let empty = UInt64.max

    /// A table with room for some merges.
    init(capacity: Int) {
        var size = 16
        while size < capacity * 2 { size *= 2 }
        keys = [UInt64](repeating: Self.empty, count: size)
        ranks = [Int32](repeating: 0, count: size)
        results = [Int32](repeating: 0, count: size)
        mask = size - 1
        var generator = SystemRandomNumberGenerator()
        seed = generator.next()
    }

    /// Sets the merge of a pair, replacing an earlier one. At most the capacity's number of pairs may be set.
    mutating func set(left: Int32, right: Int32, rank: Int32, result: Int32) {
        let key = Self.key(left, right)
        var slot = hash(key) & mask
        while keys[slot] != Self.empty && keys[slot] != key { slot = (slot + 1) & mask }
        keys[slot] = key
        ranks[slot] = rank
        results[slot] = result
    }

    /// The merge of a pair, or nil.
    @inline(__always)
    func merge(left: Int32, right: Int32) -> (rank: Int32, result: Int32)? {
        let key = Self.key(left, right)
        var slot = hash(key) & mask
        while true {
            let found = keys[slot]
            if found == key { return (ranks[slot], results[slot]) }
            if found == Self.empty { return nil }
            slot = (slot + 1) & mask
        }
    }

    @inline(__always)
    private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    @inline(__always)
    private func hash(_ key: UInt64) -> Int {
        var state = (key ^ seed) &* 0x9E37_79B9_7F4A_7C15
        state = (state ^ state >> 32) &* 0xD6E8_FEB8_6659_FD93
        state ^= state >> 32
        return Int(truncatingIfNeeded: state & 0x7FFF_FFFF)
    }
}
