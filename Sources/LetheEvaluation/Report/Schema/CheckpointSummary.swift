/// A checkpoint over all seeds.
public struct CheckpointSummary: Codable, Sendable, Equatable {
    /// A category over all seeds, against the exact reference.
    public struct Category: Codable, Sendable, Equatable {
        /// The category.
        public var category: String
        /// Forget Degree; nil when no seed had deleted a text of it.
        public var forgetDegree: Spread?
        /// Retain Utility; nil when it has no retain texts.
        public var retainUtility: Spread?

        enum CodingKeys: String, CodingKey {
            case category
            case forgetDegree = "forget_degree"
            case retainUtility = "retain_utility"
        }
    }

    /// How many texts are deleted.
    public var deleted: Int
    /// The share of the stream that is done.
    public var share: Double
    /// Forget Degree against the exact reference.
    public var forgetDegree: Spread
    /// Retain Utility against the exact reference.
    public var retainUtility: Spread
    /// Forget Degree against the published reference.
    public var forgetDegreeInterpolated: Spread
    /// Retain Utility against the published reference.
    public var retainUtilityInterpolated: Spread
    /// The categories apart.
    public var categories: [Category]

    enum CodingKeys: String, CodingKey {
        case deleted, share
        case forgetDegree = "forget_degree"
        case retainUtility = "retain_utility"
        case forgetDegreeInterpolated = "forget_degree_interpolated"
        case retainUtilityInterpolated = "retain_utility_interpolated"
        case categories
    }

    /// The checkpoints that any run has, in order of deletions, each over the runs that have it.
    static func over(_ runs: [MethodResult.Run]) -> [CheckpointSummary] {
        let groups = Dictionary(grouping: runs.flatMap(\.checkpoints), by: \.deleted)
        return groups.keys.sorted().map { deleted in
            let checkpoints = groups[deleted] ?? []
            func spread(_ value: (CheckpointResult) -> Double) -> Spread { Spread(checkpoints.map(value)) }
            let parts = checkpoints.flatMap(\.categories)
            var names: [String] = []
            for part in parts where !names.contains(part.category) { names.append(part.category) }
            return CheckpointSummary(
                deleted: deleted, share: checkpoints.first?.share ?? 0, forgetDegree: spread(\.forgetDegree.exact),
                retainUtility: spread(\.retainUtility.exact),
                forgetDegreeInterpolated: spread(\.forgetDegree.interpolated),
                retainUtilityInterpolated: spread(\.retainUtility.interpolated),
                categories: names.map { name in
                    let own = parts.filter { $0.category == name }
                    let degrees = own.compactMap(\.forgetDegree)
                    let utilities = own.compactMap(\.retainUtility)
                    return Category(
                        category: name, forgetDegree: degrees.isEmpty ? nil : Spread(degrees),
                        retainUtility: utilities.isEmpty ? nil : Spread(utilities))
                })
        }
    }
}
