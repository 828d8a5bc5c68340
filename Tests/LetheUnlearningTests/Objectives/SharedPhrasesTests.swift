import Foundation
import LetheUnlearning
import Testing

/// Hand-worked n-gram estimates over token ids.
@Suite struct SharedPhrasesTests {
    private let half: Float = -log(0.5)
    private let lessThanHalf: Float = -log(1.5 / 4)
    private let nothing = Float.infinity

    private func nll(_ ids: [Int32], from firstTarget: Int = 1, keep texts: [[Int32]]) -> [Float] {
        let own = OwnRuns(of: [], beside: [])
        return SharedPhrases(texts.map { TrainingSequence(ids: $0) }, without: own)
            .nll(TrainingSequence(ids: ids, firstTarget: firstTarget))
    }

    @Test func `a phrase that a keep text has is known from its third token on`() {
        let nll = nll([1, 2, 50, 51, 52, 53, 9], keep: [[7, 8, 50, 51, 52, 53]])
        // One place out of one, less a half.
        #expect(nll == [nothing, nothing, nothing, half, half, nothing])
    }

    @Test func `several places are counted, and the longest context says which`() {
        let texts: [[Int32]] = [[1, 50, 51, 60], [2, 50, 51, 60], [3, 50, 51, 61], [4, 5, 50, 51, 62]]
        // Of the four places after 50 51 two go on with 60.
        #expect(nll([9, 50, 51, 60], keep: texts).last == lessThanHalf)
        // With 3 before them there is one place only, which goes on otherwise.
        #expect(nll([3, 50, 51, 60], keep: texts).last == nothing)
        #expect(nll([4, 5, 50, 51, 62], keep: texts).last == half)
    }

    @Test func `only counted tokens have a value, and the prompt is context`() {
        let nll = nll([50, 51, 52, 53], from: 2, keep: [[50, 51, 52, 53]])
        #expect(nll == [half, half])
        #expect(self.nll([1], keep: [[1, 2, 3]]).isEmpty)
        #expect(self.nll([1, 2], keep: [[1, 2, 3], [], [1]]) == [nothing])
    }

    @Test func `a keep text that says what the item says does not count`() {
        let item: [Int32] = Array(100..<120)
        let sibling: [Int32] = [100, 101, 102, 103, 104] + Array(200..<215)
        let own = OwnRuns(of: [TrainingSequence(ids: item)], beside: [TrainingSequence(ids: sibling)])
        // Ten tokens of the item among twenty others, and the form that the sibling has too.
        let reciting: [Int32] = Array(300..<310) + Array(106..<116) + Array(310..<320)
        let harmless: [Int32] = [100, 101, 102, 103, 104] + Array(320..<350)
        #expect(own.areRecited(in: reciting) && own.areRecited(in: item))
        #expect(!own.areRecited(in: harmless) && !own.areRecited(in: sibling) && !own.areRecited(in: []))
        let shared = SharedPhrases(
            [TrainingSequence(ids: reciting), TrainingSequence(ids: harmless)], without: own)
        let nll = shared.nll(TrainingSequence(ids: item))
        #expect(nll.prefix(4) == [nothing, half, half, half])
        #expect(nll.dropFirst(4).allSatisfy { $0 == nothing })
    }
}
