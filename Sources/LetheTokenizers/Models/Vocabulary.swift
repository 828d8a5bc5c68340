import LetheCore

/// Tokens and their ids, compared by UTF-8 bytes.
///
/// All tokens lie in one buffer; look-up is an open-addressing hash table over it, seeded for each process so that a
/// chosen vocabulary cannot force collisions. Ids may have gaps.
struct Vocabulary {
    /// One more than the largest id.
    private(set) var idBound = 0
    /// The number of tokens.
    private(set) var count = 0
    /// Bytes of the longest token.
    private(set) var longestToken = 0

    private var storage: [UInt8] = []
    /// Start and length in `storage` for each id; length -1 for an id without a token.
    private var starts: [Int] = []
    private var lengths: [Int32] = []
    /// Id plus one; 0 is an empty slot.
    private var slots: [UInt32] = []
    private let seed: UInt64

    /// Builds a vocabulary.
    ///
    /// - Parameters:
    ///   - tokens: Each with its id.
    ///   - context: What the vocabulary is part of, for messages.
    /// - Throws: ``LetheError`` for an id outside 0 ..< ``TokenizerLimits/maximumTokens``, an id or a token that occurs
    ///   twice, and a token above the limit. Messages name the position, never the token.
    init(_ tokens: some Collection<(token: String, id: Int)>, context: String) throws {
        var generator = SystemRandomNumberGenerator()
        seed = generator.next()
        guard tokens.count <= TokenizerLimits.maximumTokens else {
            throw LetheError(
                .limitExceeded, "\(context): \(tokens.count) tokens are more than \(TokenizerLimits.maximumTokens)")
        }
        var bound = 0
        for (position, entry) in tokens.enumerated() {
            guard entry.id >= 0 && entry.id < TokenizerLimits.maximumTokens else {
                throw LetheError(
                    .badData,
                    "\(context): the id at position \(position) is outside 0 ..< \(TokenizerLimits.maximumTokens)")
            }
            bound = max(bound, entry.id + 1)
        }
        starts = [Int](repeating: 0, count: bound)
        lengths = [Int32](repeating: -1, count: bound)
        var size = 16
        while size < tokens.count * 2 { size *= 2 }
        slots = [UInt32](repeating: 0, count: size)
        for (position, entry) in tokens.enumerated() {
            var token = entry.token
            try token.withUTF8 { bytes in
                guard bytes.count <= TokenizerLimits.maximumTokenBytes else {
                    throw LetheError(
                        .limitExceeded,
                        "\(context): the token at position \(position) has more than "
                            + "\(TokenizerLimits.maximumTokenBytes) bytes")
                }
                guard lengths[entry.id] < 0 else {
                    throw LetheError(.badData, "\(context): id \(entry.id) is given to two tokens")
                }
                guard find(bytes) == nil else {
                    throw LetheError(
                        .badData, "\(context): the token at position \(position) occurs twice")
                }
                starts[entry.id] = storage.count
                lengths[entry.id] = Int32(bytes.count)
                storage.append(contentsOf: bytes)
                longestToken = max(longestToken, bytes.count)
                let mask = slots.count - 1
                var slot = hash(bytes) & mask
                while slots[slot] != 0 { slot = (slot + 1) & mask }
                slots[slot] = UInt32(entry.id + 1)
            }
        }
        idBound = bound
        count = tokens.count
    }

    /// The id of the token with these bytes.
    func id(of bytes: UnsafeBufferPointer<UInt8>) -> Int32? { find(bytes) }

    /// The id of the token with the bytes of a range.
    @inline(__always)
    func id(of bytes: [UInt8], _ start: Int, _ end: Int) -> Int32? {
        bytes.withUnsafeBufferPointer { find(UnsafeBufferPointer(rebasing: $0[start..<end])) }
    }

    /// The id of a token.
    func id(of token: String) -> Int32? {
        var token = token
        return token.withUTF8 { find($0) }
    }

    /// The bytes of a token, or nil for an id without one.
    func bytes(of id: Int32) -> ArraySlice<UInt8>? {
        guard id >= 0 && Int(id) < idBound, lengths[Int(id)] >= 0 else { return nil }
        let start = starts[Int(id)]
        return storage[start..<start + Int(lengths[Int(id)])]
    }

    /// Bytes of the token of an id, which has to have one.
    @inline(__always)
    func length(of id: Int32) -> Int { Int(lengths[Int(id)]) }

    /// One byte of the token of an id, which has to have one of more than `offset` bytes.
    @inline(__always)
    func byte(of id: Int32, at offset: Int) -> UInt8 { storage[starts[Int(id)] + offset] }

    /// The token of an id.
    func token(of id: Int32) -> String? {
        bytes(of: id).map { String(decoding: $0, as: UTF8.self) }
    }

    private func find(_ bytes: UnsafeBufferPointer<UInt8>) -> Int32? {
        guard bytes.count <= TokenizerLimits.maximumTokenBytes else { return nil }
        let mask = slots.count - 1
        var slot = hash(bytes) & mask
        return storage.withUnsafeBufferPointer { storage in
            while true {
                let entry = slots[slot]
                if entry == 0 { return nil }
                let id = Int(entry) - 1
                if Int(lengths[id]) == bytes.count {
                    let start = starts[id]
                    var index = 0
                    while index < bytes.count && storage[start + index] == bytes[index] { index += 1 }
                    if index == bytes.count { return Int32(id) }
                }
                slot = (slot + 1) & mask
            }
        }
    }

    private func hash(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
        var state = seed ^ UInt64(truncatingIfNeeded: bytes.count)
        for byte in bytes {
            state = (state ^ UInt64(byte)) &* 0x9E37_79B9_7F4A_7C15
            state ^= state >> 29
        }
        state = (state ^ state >> 32) &* 0xD6E8_FEB8_6659_FD93
        return Int(truncatingIfNeeded: (state ^ state >> 32) & 0x7FFF_FFFF_FFFF_FFFF)
    }
}
