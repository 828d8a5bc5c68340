import LetheCorpus
import Testing

@Suite struct PCHStreamTests {
    @Test func theOrderIsAPermutationThatTheSeedFixes() {
        let stream = PCHStream(count: 300, seed: 30)
        #expect(stream.order.sorted() == Array(0..<300))
        #expect(stream.order != Array(0..<300))
        #expect(stream == PCHStream(count: 300, seed: 30))
        #expect(stream != PCHStream(count: 300, seed: 40))
    }

    @Test(arguments: [
        (300, [60, 120, 180, 240, 300]), (60, [12, 24, 36, 48, 60]), (7, [2, 3, 5, 6, 7]), (5, [1, 2, 3, 4, 5]),
        (3, [1, 2, 3]), (1, [1]), (0, []), (-4, []),
    ])
    func checkpointsAreTheFifths(count: Int, expected: [Int]) {
        #expect(PCHStream(count: count, seed: 1).checkpoints == expected)
    }

    @Test func deletedAndRemainingPartTheStream() {
        let stream = PCHStream(count: 10, seed: 2)
        #expect(Array(stream.deleted(after: 4)) + Array(stream.remaining(after: 4)) == stream.order)
        #expect(stream.deleted(after: 4).count == 4)
        #expect(stream.deleted(after: 99).count == 10 && stream.remaining(after: 99).isEmpty)
        #expect(stream.deleted(after: -1).isEmpty)
    }

    /// The first places of one seed, so that results stay comparable between versions.
    @Test func theShuffleDoesNotChangeBetweenVersions() {
        #expect(PCHStream(count: 10, seed: 20).order == [6, 9, 5, 3, 0, 8, 2, 4, 1, 7])
    }
}
