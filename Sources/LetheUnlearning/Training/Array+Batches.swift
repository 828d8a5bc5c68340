extension Array {
    /// The elements in order, in batches of at most so many tokens; an element that has more is a batch of its own.
    package func batches(tokens: Int, count: (Element) -> Int) -> [[Element]] {
        var batches: [[Element]] = []
        var rows = 0
        for element in self {
            let length = count(element)
            if batches.isEmpty || rows + length > tokens {
                batches.append([])
                rows = 0
            }
            batches[batches.count - 1].append(element)
            rows += length
        }
        return batches
    }
}
