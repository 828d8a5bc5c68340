/// 4-bit NormalFloat (QLoRA, Dettmers et al. 2023, appendix E): in each block of 64 columns of a row w becomes
/// max|w| · level, the level being the nearest of 16 to w / max|w|.
///
/// The levels are quantiles of a normal distribution, scaled to [-1, 1], with an exact 0. The block maxima stay fp32;
/// the paper's second quantisation of them is left out.
enum NormalFloat4 {
    /// Columns of a block.
    static let blockSize = 64

    /// The levels as published.
    static let levels: [Float] = [
        -1, -0.696_192_800_998_687_7, -0.525_073_051_452_636_7, -0.394_917_488_098_144_53, -0.284_441_381_692_886_35,
        -0.184_773_430_228_233_34, -0.091_050_036_251_544_95, 0, 0.079_580_299_556_255_34, 0.160_930_201_411_247_25,
        0.246_112_301_945_686_34, 0.337_915_241_718_292_24, 0.440_709_829_330_444_34, 0.562_617_003_917_694_1,
        0.722_956_836_223_602_3, 1,
    ]

    /// Rounds rows · columns values in place; a row's last block may be shorter.
    static func round(_ values: UnsafeMutablePointer<Float>, rows: Int, columns: Int) {
        let middles = zip(levels, levels.dropFirst()).map { ($0 + $1) / 2 }
        levels.withUnsafeBufferPointer { levels in
            middles.withUnsafeBufferPointer { middles in
                for row in 0..<rows {
                    for start in stride(from: 0, to: columns, by: blockSize) {
                        let part = values + (row * columns + start)
                        let count = min(blockSize, columns - start)
                        var farthest: Float = 0
                        for index in 0..<count { farthest = max(farthest, abs(part[index])) }
                        guard farthest > 0 else { continue }
                        for index in 0..<count {
                            let value = part[index] / farthest
                            var level = 0
                            for middle in middles where value > middle { level += 1 }
                            part[index] = levels[level] * farthest
                        }
                    }
                }
            }
        }
    }
}
