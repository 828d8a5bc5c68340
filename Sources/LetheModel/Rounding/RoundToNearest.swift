/// Symmetric round-to-nearest: in each group of a row w becomes s · clamp(round(w / s)), with s = max|w| / (2^(b-1) - 1)
/// and halves rounded to even. The scale stays fp32, and 0 is kept exactly.
struct RoundToNearest {
    private let largest: Float
    private let group: Int

    /// Rounding to integers of some bits, 2 to 8, with one scale for `group` columns of a row.
    init(bits: Int, group: Int) {
        largest = Float((1 << (bits - 1)) - 1)
        self.group = max(1, group)
    }

    /// Rounds rows · columns values in place.
    func round(_ values: UnsafeMutablePointer<Float>, rows: Int, columns: Int) {
        // Adding and taking away 1.5 · 2^23 leaves a float of small magnitude rounded to an integer, halves to even.
        let shift: Float = 0x1.8p23
        for row in 0..<rows {
            for start in stride(from: 0, to: columns, by: group) {
                let part = values + (row * columns + start)
                let count = min(group, columns - start)
                var farthest: Float = 0
                for index in 0..<count { farthest = max(farthest, abs(part[index])) }
                let scale = farthest / largest
                guard scale > 0 else {
                    for index in 0..<count { part[index] *= 0 }
                    continue
                }
                for index in 0..<count {
                    let level = (part[index] / scale + shift) - shift
                    part[index] = max(-largest, min(largest, level)) * scale
                }
            }
        }
    }
}
