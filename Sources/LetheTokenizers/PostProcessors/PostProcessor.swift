/// Puts special tokens around the ids of a text.
struct PostProcessor {
    /// One place of a template.
    enum Part {
        /// The ids of the text.
        case sequence
        /// Fixed ids.
        case special([Int32])
    }

    /// The places in order.
    let template: [Part]

    /// The ids with the special tokens.
    func apply(to ids: [Int32]) -> [Int32] {
        var result: [Int32] = []
        result.reserveCapacity(ids.count + template.count)
        for part in template {
            switch part {
            case .sequence: result.append(contentsOf: ids)
            case .special(let special): result.append(contentsOf: special)
            }
        }
        return result
    }
}
