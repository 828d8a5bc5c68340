import LetheUnlearning
import Testing

/// Which rows of a sibling correspond to those of an item.
@Suite struct AlignmentTests {
    private func rows(_ item: [Int32], _ sibling: [Int32]) -> [Int] {
        TrainingSequence(ids: item).rows(alignedWith: TrainingSequence(ids: sibling))
    }

    @Test func `equal sequences correspond token by token`() {
        #expect(rows([1, 2, 3, 4], [1, 2, 3, 4]) == [0, 1, 2, 3])
    }

    @Test func `a replaced stretch corresponds from its start and what is left over to its last token`() {
        // 20 21 22 23 was replaced by 30 31: the rows that predict 22 and 23 look where 31 is predicted.
        #expect(rows([1, 2, 20, 21, 22, 23, 3, 4], [1, 2, 30, 31, 3, 4]) == [0, 1, 2, 2, 2, 3, 4, 5])
        // The other way round the tokens that are too many are passed over.
        #expect(rows([1, 2, 30, 31, 3, 4], [1, 2, 20, 21, 22, 23, 3, 4]) == [0, 1, 2, 5, 6, 7])
    }

    @Test func `a stretch that the sibling lacks looks at what follows it`() {
        #expect(rows([1, 2, 20, 21, 3, 4], [1, 2, 3, 4]) == [0, 1, 1, 1, 2, 3])
    }

    @Test func `rows stay inside sequences that have nothing in common`() {
        let pairs: [([Int32], [Int32])] = [
            ([1, 2, 3], [4]), ([1], [4, 5, 6]), ([1, 2, 3, 4], [9, 8]), ([1, 2, 3, 4], [1, 2]), ([1, 2], [2]),
        ]
        for (item, sibling) in pairs {
            let rows = rows(item, sibling)
            #expect(rows.count == item.count && rows.allSatisfy { sibling.indices.contains($0) })
        }
    }
}
