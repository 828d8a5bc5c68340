import Foundation
import LetheCore
import LetheTensor

/// Makes the matrices that a ``WeightStorage`` keeps in bfloat16.
struct FrozenMatrices {
    private let checkpoint: any CheckpointReader
    private let slots: [ParameterPlace: [TensorSlot]]
    /// The matrices that are kept in bfloat16.
    let places: Set<ParameterPlace>

    /// Decides which matrices of a checkpoint, whose shapes have been checked, are kept in bfloat16.
    /// - Parameter memoryBytes: the machine's memory.
    init(_ storage: WeightStorage, _ slots: [TensorSlot], in checkpoint: any CheckpointReader, memoryBytes: UInt64) {
        self.checkpoint = checkpoint
        self.slots = Dictionary(grouping: slots, by: \.place)
        let matrices = self.slots.filter { place, _ in place.isLargeMatrix }
        let fp32Bytes = slots.reduce(UInt64(0)) { $0 + UInt64($1.count) * 4 }
        switch storage {
        case .float32: places = []
        case .bfloat16: places = Set(matrices.keys)
        case .automatic where fp32Bytes <= memoryBytes / 2: places = []
        case .automatic:
            places = Set(
                matrices.filter { _, parts in
                    parts.allSatisfy { checkpoint.info($0.name)?.elementType == .bfloat16 }
                }.keys)
        }
    }

    /// A matrix in bfloat16; nil for one that is kept in fp32.
    /// - Throws: `limit_exceeded`, what the reader throws.
    func matrix(_ place: ParameterPlace, rows: Int, columns: Int) throws -> WeightMatrix? {
        guard places.contains(place), let parts = slots[place] else { return nil }
        if let bits = mapped(parts, count: rows * columns) { return WeightMatrix(bits, rows: rows, columns: columns) }
        let wide = try FloatBuffer(count: rows * columns)
        let view = try ParameterView(WeightMatrix(wide, rows: rows, columns: columns))
        for part in parts {
            try part.load(from: checkpoint, into: view)
            if let bytes = checkpoint.mappedBytes(part.name)?.bytes { BFloat16Buffer.releasePages(of: bytes) }
        }
        let bits = try BFloat16Buffer(rounding: wide.pointer, count: rows * columns)
        return WeightMatrix(bits, rows: rows, columns: columns)
    }

    /// The matrix as it lies in the mapped file; nil unless its parts follow each other there as they are needed.
    private func mapped(_ parts: [TensorSlot], count: Int) -> BFloat16Buffer? {
        #if _endian(little)
            var start: UnsafeRawPointer?
            var byteCount = 0
            var keeper: AnyObject?
            for part in parts.sorted(by: { $0.firstRow < $1.firstRow }) {
                guard part.isConsecutive, checkpoint.info(part.name)?.elementType == .bfloat16,
                    let (bytes, owner) = checkpoint.mappedBytes(part.name), let base = bytes.baseAddress
                else { return nil }
                if let start {
                    guard base == start + byteCount, owner === keeper else { return nil }
                } else {
                    guard Int(bitPattern: base) % MemoryLayout<UInt16>.alignment == 0 else { return nil }
                    start = base
                    keeper = owner
                }
                byteCount += bytes.count
            }
            guard let start, let keeper, byteCount == count * 2 else { return nil }
            return BFloat16Buffer(mapped: start.assumingMemoryBound(to: UInt16.self), count: count, owner: keeper)
        #else
            return nil
        #endif
    }
}

extension ParameterPlace {
    /// Whether it is one of the matrices whose memory counts.
    var isLargeMatrix: Bool {
        switch self {
        case .embedding, .head, .layer(_, .queryKeyValue), .layer(_, .output), .layer(_, .gateUp), .layer(_, .down):
            true
        default: false
        }
    }
}

extension TensorSlot {
    /// The first row of the parameter that the tensor holds; 0 with a table of rows.
    var firstRow: Int { if case .from(let first) = rows { first } else { 0 } }

    /// Whether the tensor's memory order is that of the parameter's rows.
    var isConsecutive: Bool { if case .from = rows { !isTransposed } else { false } }
}
