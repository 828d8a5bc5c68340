/// The members of a JSON object in the order they were written or added.
///
/// Keys are compared by their UTF-8 bytes and occur once. Lookup is a linear scan in small objects and a hash look-up,
/// seeded per process, in large ones: a vocabulary of 250,000 entries is one object.
public struct JSONObject: Sendable {
    /// Members up to this number are found by scanning.
    private static let scanLimit = 8

    private var members: [(key: String, value: JSONValue)] = []

    /// An open-addressing table of member positions plus one; 0 is an empty slot. Empty while scanning is enough; a
    /// power of two, at most half full, otherwise.
    private var slots: [UInt32] = []

    /// An object without members.
    public init() {}

    /// An object with these members; a repeated key replaces the earlier value and keeps its place.
    public init(_ entries: [(String, JSONValue)]) {
        members.reserveCapacity(entries.count)
        for (key, value) in entries { self[key] = value }
    }

    /// The members in order.
    public var entries: [(key: String, value: JSONValue)] { members }

    /// The keys in order.
    public var keys: [String] { members.map(\.key) }

    /// The number of members.
    public var count: Int { members.count }

    /// Whether there is no member.
    public var isEmpty: Bool { members.isEmpty }

    /// The value of a key. Setting nil removes the member, which costs a pass over the object; setting a new key
    /// appends it.
    public subscript(key: String) -> JSONValue? {
        get { position(of: key).map { members[$0].value } }
        set {
            switch (position(of: key), newValue) {
            case (let position?, let value?):
                members[position].value = value
            case (let position?, nil):
                members.remove(at: position)
                rebuildSlots(capacityFor: members.count)
            case (nil, let value?):
                append(key, value)
            case (nil, nil):
                break
            }
        }
    }

    /// Appends a member unless the key exists already; returns whether it was appended.
    package mutating func appendIfAbsent(_ key: String, _ value: JSONValue) -> Bool {
        guard position(of: key) == nil else { return false }
        append(key, value)
        return true
    }

    private mutating func append(_ key: String, _ value: JSONValue) {
        members.append((key, value))
        if members.count > Self.scanLimit {
            if members.count * 2 > slots.count {
                rebuildSlots(capacityFor: members.count * 2)
            } else {
                insertSlot(members.count - 1)
            }
        }
    }

    private func position(of key: String) -> Int? {
        if slots.isEmpty {
            for index in members.indices where members[index].key.hasSameBytes(as: key) { return index }
            return nil
        }
        let mask = slots.count - 1
        var slot = Self.hash(key) & mask
        while slots[slot] != 0 {
            let index = Int(slots[slot]) - 1
            if members[index].key.hasSameBytes(as: key) { return index }
            slot = (slot + 1) & mask
        }
        return nil
    }

    private mutating func rebuildSlots(capacityFor count: Int) {
        guard members.count > Self.scanLimit else {
            slots = []
            return
        }
        var size = 32
        while size < count * 2 { size *= 2 }
        slots = [UInt32](repeating: 0, count: size)
        for index in members.indices { insertSlot(index) }
    }

    private mutating func insertSlot(_ index: Int) {
        let mask = slots.count - 1
        var slot = Self.hash(members[index].key) & mask
        while slots[slot] != 0 { slot = (slot + 1) & mask }
        slots[slot] = UInt32(index + 1)
    }

    /// Hashes the bytes with the process's random seed, so that chosen keys cannot force collisions.
    private static func hash(_ key: String) -> Int {
        var hasher = Hasher()
        let hashed: Void? = key.utf8.withContiguousStorageIfAvailable {
            hasher.combine(bytes: UnsafeRawBufferPointer($0))
        }
        if hashed == nil {
            for byte in key.utf8 { hasher.combine(byte) }
        }
        return hasher.finalize()
    }
}

extension JSONObject: Equatable {
    /// Same keys (by bytes) with equal values, in any order.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        guard left.count == right.count else { return false }
        for (key, value) in left.members {
            guard let other = right[key], other == value else { return false }
        }
        return true
    }
}
