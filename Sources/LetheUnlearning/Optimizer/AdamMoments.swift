import LetheTensor

/// The running moments of one tensor, in fp32 or, for models too large for that, in bfloat16: half the memory, each
/// moment rounded once a step to 8 bits of precision.
final class AdamMoments {
    private enum Storage {
        case float32(m: FloatBuffer, v: FloatBuffer)
        case bfloat16(m: BFloat16Buffer, v: BFloat16Buffer)
    }

    /// Elements that are widened at a time.
    private static let blockCount = 1 << 20

    private let storage: Storage

    /// Zeros.
    /// - Throws: `limit_exceeded`.
    init(count: Int, isCompact: Bool) throws {
        storage =
            isCompact
            ? .bfloat16(m: try BFloat16Buffer(zeros: count), v: try BFloat16Buffer(zeros: count))
            : .float32(m: try FloatBuffer(zeros: count), v: try FloatBuffer(zeros: count))
    }

    /// Calls `update` with the moments of one range of elements after another, in fp32, and keeps what it leaves.
    /// - Throws: `limit_exceeded`.
    func update(count: Int, _ update: (_ range: Range<Int>, _ m: FloatBuffer, _ v: FloatBuffer) -> Void) throws {
        switch storage {
        case .float32(let m, let v): update(0..<count, m, v)
        case .bfloat16(let m, let v):
            let wideM = try FloatBuffer(count: min(count, Self.blockCount))
            let wideV = try FloatBuffer(count: min(count, Self.blockCount))
            for start in stride(from: 0, to: count, by: Self.blockCount) {
                let range = start..<min(start + Self.blockCount, count)
                m.widen(range, into: wideM.pointer)
                v.widen(range, into: wideV.pointer)
                update(range, wideM, wideV)
                m.round(wideM.pointer, to: range)
                v.round(wideV.pointer, to: range)
            }
        }
    }
}
