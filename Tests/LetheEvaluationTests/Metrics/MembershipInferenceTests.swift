import Foundation
import LetheCore
import LetheEvaluation
import Testing

@Suite struct MembershipInferenceTests {
    private let logs: [Double] = [-1, -4, -2, -8, -5]

    @Test func lossZlibAndReference() {
        #expect(MembershipInference.loss(logs) == 4)
        #expect(MembershipInference.zlib(logs, compressedBytes: 16) == 0.25)
        #expect(MembershipInference.zlib(logs, compressedBytes: 0) == nil)
        #expect(MembershipInference.reference(logs, reference: [-1, -1, -1, -1, -1]) == 3)
        #expect(MembershipInference.reference(logs, reference: [-1]) == nil)
        #expect(MembershipInference.loss([]) == nil)
    }

    @Test func minKAveragesTheLowest() {
        // 40 % of five tokens are two: -8 and -5.
        #expect(MembershipInference.minK(logs) == 6.5)
        // Never fewer than one.
        #expect(MembershipInference.minK(logs, share: 0.01) == 8)
        #expect(MembershipInference.minK(logs, share: 1) == 4)
        #expect(MembershipInference.minK([]) == nil)
        #expect(MembershipInference.minK(logs, share: .nan) == nil)
    }

    @Test func minKPlusPlusMeasuresInDeviations() {
        let means: [Double] = [-2, -2, -2, -2, -2]
        let variances: [Double] = [1, 4, 1, 9, 1]
        // Distances 1, -1, 0, -2, -3; the two lowest are -3 and -2.
        #expect(MembershipInference.minKPlusPlus(logs, means: means, variances: variances) == 2.5)
        // A variance of 0 counts as a millionth.
        #expect(
            MembershipInference.minKPlusPlus([-3], means: [-2], variances: [0]).map { abs($0 - 1000) < 1e-6 } == true)
        #expect(MembershipInference.minKPlusPlus(logs, means: [0], variances: variances) == nil)
    }

    /// Sizes from Python's `len(zlib.compress(text.encode()))`.
    @Test(arguments: [
        ("", 8), ("a", 9), ("hello hello hello hello", 16),
        (String(repeating: "Name: Élodie Ω 数据", count: 20), 37),
    ])
    func compressedSizesEqualZlibs(text: String, bytes: Int) throws {
        #expect(try ZlibLength.compressedBytes(text) == bytes)
    }
}
