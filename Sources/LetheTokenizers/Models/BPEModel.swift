import LetheCore

/// Byte-pair encoding (Sennrich et al. 2016): starts from the scalars of a piece, and joins the neighbouring pair of
/// the lowest rank, leftmost first, until no pair has a merge.
///
/// Serves byte-level BPE, whose pieces are written in ``ByteAlphabet``, and SentencePiece-style BPE, where characters
/// without a token fall back to byte tokens `<0x00>` ... `<0xFF>`.
struct BPEModel: TokenModel {
    /// What the model does besides merging.
    struct Options {
        /// The token of characters that have none.
        var unknownID: Int32?
        /// Whether a character without a token is an error; otherwise, without an unknown token, it is left out.
        var refusesUnknown = false
        /// Whether neighbouring unknown characters are one token.
        var fuseUnknown = false
        /// Whether characters without a token become byte tokens.
        var byteFallback = false
        /// Whether a piece that is a token is that token, whatever the merges say.
        var ignoreMerges = false
        /// Put before every character of a word but the first.
        var continuingPrefix: [UInt8] = []
        /// Put after the last character of a word.
        var endOfWordSuffix: [UInt8] = []
    }

    let vocabulary: Vocabulary
    private let merges: MergeTable
    private let options: Options
    /// Token of each scalar below 0x800, or -1. Unused with affixes.
    private let scalarTokens: [Int32]
    /// Token of each byte, or -1.
    private let byteTokens: [Int32]
    /// Pieces up to this number of symbols are merged by scanning, longer ones with a heap.
    private static let scanLimit = 40

    /// Builds the model.
    ///
    /// - Parameters:
    ///   - vocabulary: The tokens.
    ///   - mergePairs: Left and right token of each merge, best first; of a pair that occurs twice the later counts.
    ///   - options: See ``Options``.
    ///   - context: What the model is part of, for messages.
    /// - Throws: ``LetheError`` with `badData` naming the first merge whose parts or result are no tokens.
    init(
        vocabulary: Vocabulary, mergePairs: [(left: ArraySlice<UInt8>, right: ArraySlice<UInt8>)], options: Options,
        context: String
    ) throws {
        guard mergePairs.count <= TokenizerLimits.maximumTokens else {
            throw LetheError(
                .limitExceeded, "\(context): \(mergePairs.count) merges are more than \(TokenizerLimits.maximumTokens)")
        }
        self.vocabulary = vocabulary
        self.options = options
        var table = MergeTable(capacity: mergePairs.count)
        var joined: [UInt8] = []
        for (rank, pair) in mergePairs.enumerated() {
            guard let left = pair.left.withUnsafeBufferPointer({ vocabulary.id(of: $0) }),
                let right = pair.right.withUnsafeBufferPointer({ vocabulary.id(of: $0) })
            else {
                throw LetheError(.badData, "\(context): merge \(rank) names a token that is not in the vocabulary")
            }
            joined.removeAll(keepingCapacity: true)
            joined.append(contentsOf: pair.left)
            guard pair.right.count >= options.continuingPrefix.count else {
                throw LetheError(.badData, "\(context): merge \(rank) is shorter than the continuing subword prefix")
            }
            joined.append(contentsOf: pair.right.dropFirst(options.continuingPrefix.count))
            guard let result = joined.withUnsafeBufferPointer({ vocabulary.id(of: $0) }) else {
                throw LetheError(.badData, "\(context): merge \(rank) makes a token that is not in the vocabulary")
            }
            table.set(left: left, right: right, rank: Int32(rank), result: result)
        }
        merges = table

        var scalarTokens = [Int32](repeating: -1, count: 0x800)
        for value in UInt32(0)..<0x800 {
            let bytes = UTF8Scalars.bytes([value])
            scalarTokens[Int(value)] = vocabulary.id(of: bytes, 0, bytes.count) ?? -1
        }
        self.scalarTokens = scalarTokens
        byteTokens = options.byteFallback ? Self.byteTokens(of: vocabulary) : []
    }

    /// The ids of `<0x00>` ... `<0xFF>`, -1 where there is none.
    static func byteTokens(of vocabulary: Vocabulary) -> [Int32] {
        (0..<256).map { vocabulary.id(of: byteTokenName(UInt8($0))) ?? -1 }
    }

    /// The name of a byte's token, such as `<0x0A>`.
    static func byteTokenName(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16, uppercase: true)
        return digits.count == 1 ? "<0x0\(digits)>" : "<0x\(digits)>"
    }

    func tokenize(_ bytes: [UInt8], _ start: Int, _ end: Int, into ids: inout [Int32]) throws {
        if options.ignoreMerges, end - start <= vocabulary.longestToken, let id = vocabulary.id(of: bytes, start, end) {
            ids.append(id)
            return
        }
        let base = ids.count
        if options.continuingPrefix.isEmpty && options.endOfWordSuffix.isEmpty {
            try appendSymbols(bytes, start, end, into: &ids)
        } else {
            try appendAffixedSymbols(bytes, start, end, into: &ids)
        }
        let count = ids.count - base
        if count < 2 { return }
        if count <= Self.scanLimit {
            mergeByScanning(&ids, from: base)
        } else {
            mergeWithHeap(&ids, from: base)
        }
    }

    // MARK: Initial symbols

    private func appendSymbols(_ bytes: [UInt8], _ start: Int, _ end: Int, into ids: inout [Int32]) throws {
        var pendingUnknown = false
        var index = start
        while index < end {
            let (value, length) = UTF8Scalars.decode(bytes, at: index)
            let id =
                value < 0x800
                ? scalarTokens[Int(value)] : vocabulary.id(of: bytes, index, index + length) ?? -1
            try append(id, bytes, index, index + length, &pendingUnknown, into: &ids)
            index += length
        }
        if pendingUnknown, let unknown = options.unknownID { ids.append(unknown) }
    }

    private func appendAffixedSymbols(_ bytes: [UInt8], _ start: Int, _ end: Int, into ids: inout [Int32]) throws {
        var pendingUnknown = false
        var index = start
        var symbol: [UInt8] = []
        while index < end {
            let length = UTF8Scalars.length(first: bytes[index])
            symbol.removeAll(keepingCapacity: true)
            if index > start { symbol.append(contentsOf: options.continuingPrefix) }
            symbol.append(contentsOf: bytes[index..<index + length])
            if index + length == end { symbol.append(contentsOf: options.endOfWordSuffix) }
            let id = vocabulary.id(of: symbol, 0, symbol.count) ?? -1
            try append(id, symbol, 0, symbol.count, &pendingUnknown, into: &ids)
            index += length
        }
        if pendingUnknown, let unknown = options.unknownID { ids.append(unknown) }
    }

    /// Appends a symbol, or what stands for one without a token. As in the reference, an unknown token is held back
    /// until the next known symbol, and bytes that a character falls back to come before it.
    private func append(
        _ id: Int32, _ bytes: [UInt8], _ start: Int, _ end: Int, _ pendingUnknown: inout Bool, into ids: inout [Int32]
    ) throws {
        if id >= 0 {
            if pendingUnknown, let unknown = options.unknownID {
                ids.append(unknown)
                pendingUnknown = false
            }
            ids.append(id)
            return
        }
        if options.byteFallback, bytes[start..<end].allSatisfy({ byteTokens[Int($0)] >= 0 }) {
            for byte in bytes[start..<end] { ids.append(byteTokens[Int(byte)]) }
            return
        }
        guard let unknown = options.unknownID else {
            guard !options.refusesUnknown else {
                throw LetheError(
                    .badData, "tokenizer: a character has no token, and unk_token is not in the vocabulary")
            }
            return
        }
        if pendingUnknown && !options.fuseUnknown { ids.append(unknown) }
        pendingUnknown = true
    }

    // MARK: Merging

    private func mergeByScanning(_ ids: inout [Int32], from base: Int) {
        let total = ids.count - base
        withUnsafeTemporaryAllocation(of: (rank: Int32, result: Int32).self, capacity: total) { pairs in
            pairs.initialize(repeating: (Int32.max, -1))
            for index in 0..<total - 1 {
                pairs[index] = pair(ids[base + index], ids[base + index + 1])
            }
            var count = total
            while count > 1 {
                var best = 0
                for index in 1..<count - 1 where pairs[index].rank < pairs[best].rank { best = index }
                if pairs[best].rank == Int32.max { break }
                ids[base + best] = pairs[best].result
                for index in best + 1..<count - 1 {
                    ids[base + index] = ids[base + index + 1]
                    pairs[index] = pairs[index + 1]
                }
                count -= 1
                if best > 0 { pairs[best - 1] = pair(ids[base + best - 1], ids[base + best]) }
                pairs[best] = best + 1 < count ? pair(ids[base + best], ids[base + best + 1]) : (Int32.max, -1)
            }
            ids.removeLast(total - count)
        }
    }

    @inline(__always)
    private func pair(_ left: Int32, _ right: Int32) -> (rank: Int32, result: Int32) {
        merges.merge(left: left, right: right) ?? (Int32.max, -1)
    }

    /// A linked list of symbols and a heap of candidate merges: O(n log n) for a piece of n symbols, even where every
    /// pair merges.
    private func mergeWithHeap(_ ids: inout [Int32], from base: Int) {
        let total = ids.count - base
        var previous = (0..<total).map { Int32($0) - 1 }
        var next = (0..<total).map { Int32($0) + 1 }
        next[total - 1] = -1
        var heap = MergeHeap()
        for index in 0..<total - 1 {
            if let merge = merges.merge(left: ids[base + index], right: ids[base + index + 1]) {
                heap.append(rank: merge.rank, position: Int32(index), result: merge.result)
            }
        }
        heap.heapify()
        while let candidate = heap.popFirst() {
            let position = Int(candidate.position)
            guard ids[base + position] >= 0, next[position] >= 0 else { continue }
            let right = Int(next[position])
            // The pair may have changed since it was queued.
            guard let merge = merges.merge(left: ids[base + position], right: ids[base + right]),
                merge.result == candidate.result
            else { continue }
            ids[base + position] = merge.result
            ids[base + right] = -1
            next[position] = next[right]
            if next[right] >= 0 { previous[Int(next[right])] = Int32(position) }
            if previous[position] >= 0 {
                let left = previous[position]
                if let merge = merges.merge(left: ids[base + Int(left)], right: ids[base + position]) {
                    heap.insert(rank: merge.rank, position: left, result: merge.result)
                }
            }
            if next[position] >= 0,
                let merge = merges.merge(left: ids[base + position], right: ids[base + Int(next[position])])
            {
                heap.insert(rank: merge.rank, position: Int32(position), result: merge.result)
            }
        }
        var write = base
        for index in base..<ids.count where ids[index] >= 0 {
            ids[write] = ids[index]
            write += 1
        }
        ids.removeLast(ids.count - write)
    }
}
