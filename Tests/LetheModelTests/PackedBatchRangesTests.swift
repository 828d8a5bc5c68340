import LetheModel
import Testing

@Suite struct PackedBatchRangesTests {
    @Test func `a batch has as many tokens as may be, or one element`() {
        func batches(_ lengths: [Int]) -> [[Int]] {
            PackedBatch.ranges(lengths: lengths, rowLimit: 10).map { Array(lengths[$0]) }
        }
        #expect(batches([3, 4, 3, 1, 12, 2, 10]) == [[3, 4, 3], [1], [12], [2], [10]])
        #expect(batches([]).isEmpty)
    }
}
