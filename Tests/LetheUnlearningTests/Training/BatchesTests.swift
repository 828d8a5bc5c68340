import LetheUnlearning
import Testing

@Suite struct BatchesTests {
    @Test func `a batch has as many tokens as may be, or one element`() {
        let lengths = [3, 4, 3, 1, 12, 2, 10]
        #expect(lengths.batches(tokens: 10) { $0 } == [[3, 4, 3], [1], [12], [2], [10]])
        #expect([Int]().batches(tokens: 10) { $0 }.isEmpty)
    }
}
