import LetheCore

/// How much of what was forgotten came back.
public struct RecoveryFinding: Sendable, Equatable {
    /// One way of trying.
    public struct Attempt: Sendable, Equatable {
        /// A stable name.
        public let name: String
        /// Share of the way from forgotten back to known, of the item that came back most: 0 nothing, 1 all.
        public let recoveredShare: Double
        /// Mean NLL of the item that is known best after the try, in nats; nil where it is not measured.
        public let lowestNLL: Double?

        /// Describes a try.
        public init(name: String, recoveredShare: Double, lowestNLL: Double? = nil) {
            self.name = name
            self.recoveredShare = recoveredShare
            self.lowestNLL = lowestNLL
        }

        /// The try as an object.
        public var json: JSONValue {
            [
                "attack": .string(name), "recovered_share": .number(recoveredShare),
                "lowest_nll": lowestNLL.map { .number($0) } ?? .null,
            ]
        }
    }

    /// The tries.
    public let attempts: [Attempt]

    /// Describes tries.
    public init(attempts: [Attempt]) { self.attempts = attempts }

    /// The largest share that any of them brought back.
    /// - Parameter enough: a try after which every item still has at least this mean NLL brought back nothing: where an
    ///   update moved little, because little was known, the share alone is mostly noise.
    func recoveredShare(ignoringAbove enough: Double) -> Double {
        attempts.map { ($0.lowestNLL ?? 0) >= enough ? 0 : $0.recoveredShare }.max() ?? 0
    }

    /// The finding as an object.
    public var json: JSONValue {
        .array(attempts.map(\.json))
    }
}
