import LetheCore
import LetheTokenizers
import Testing

/// Candidates come out by rank, and of equal ranks from the left.
@Suite struct MergeHeapTests {
    @Test(arguments: [0, 1, 50, 300])
    func `gives the lowest rank first and then the leftmost position`(queued: Int) {
        var generator = SeededGenerator(seed: 4)
        var heap = MergeHeap()
        var expected: [(rank: Int, position: Int)] = []
        for index in 0..<300 {
            let entry = (rank: generator.nextInt(below: 5), position: generator.nextInt(below: 1_000_000))
            expected.append(entry)
            if index < queued {
                heap.append(rank: Int32(entry.rank), position: Int32(entry.position), result: Int32(entry.rank))
            } else {
                if index == queued { heap.heapify() }
                heap.insert(rank: Int32(entry.rank), position: Int32(entry.position), result: Int32(entry.rank))
            }
        }
        if queued == 300 { heap.heapify() }
        for entry in expected.sorted(by: { ($0.rank, $0.position) < ($1.rank, $1.position) }) {
            let first = heap.popFirst()
            #expect(first?.position == Int32(entry.position))
            #expect(first?.result == Int32(entry.rank))
        }
        let rest = heap.popFirst()
        #expect(rest == nil)
    }
}
