import LetheUnlearning
import Testing

@Suite struct LayerTargetingTests {
    @Test func `the layers of the largest changes are chosen, ties from below`() {
        #expect(LayerTargeting.largest([9, 1, 2, 3], count: 2) == [0, 3])
        #expect(LayerTargeting.largest([1, 2, 2, 2], count: 2) == [1, 2])
        #expect(LayerTargeting.largest([1, 2], count: 5) == [0, 1])
    }
}
