import LetheUnlearning
import Testing

@Suite struct AnswerLevelsTests {
    private func answer(_ tokens: Int) -> TrainingSequence {
        TrainingSequence(ids: Array(0..<Int32(tokens + 2)), firstTarget: 2)
    }

    @Test func `levels of answers are drawn half way to their mean, those of texts are not`() throws {
        let groups = [[TrainingSequence(ids: [0, 1, 2])], [answer(2)], [answer(4)]]
        let levels = AnswerLevels.evened([[[1, 1]], [[0, 16]], [[1, 3, 2, 2]]], groups)
        // The mean of six tokens is 4: 8 becomes 6, and 2 becomes 3.
        #expect(levels == [[[1, 1]], [[0, 12]], [[1.5, 4.5, 3, 3]]])
    }

    @Test func `a level is at most doubled, and what has none stays so`() {
        let groups = [[answer(1)], [answer(1)], [answer(1)], [answer(1)]]
        let levels = AnswerLevels.evened([[[20]], [[0.5]], [nil], [[0]]], groups)
        // The mean of three is 6.83.
        #expect(levels[1] == [[1]] && levels[2] == [nil] && levels[3] == [[0]])
    }

    @Test func `a level that is not finite stays, and raises others by no more than that`() {
        let levels = AnswerLevels.evened([[[.infinity]], [[1]]], [[answer(1)], [answer(1)]])
        #expect(levels == [[[.infinity]], [[2]]])
    }

    @Test func `a single answer, or none, keeps its level`() {
        #expect(AnswerLevels.evened([[[2, 4]]], [[answer(2)]]) == [[[2, 4]]])
        #expect(AnswerLevels.evened([[[2, 4]]], [[TrainingSequence(ids: [0, 1, 2])]]) == [[[2, 4]]])
        #expect(AnswerLevels.evened([], []).isEmpty)
    }
}
