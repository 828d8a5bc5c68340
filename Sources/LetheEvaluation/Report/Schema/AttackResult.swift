/// What one recovery attack brought back.
public struct AttackResult: Codable, Sendable, Equatable {
    /// A curve, such as one value for each layer.
    public struct Series: Codable, Sendable, Equatable {
        /// Whose: `unlearned`, `original` or `retain`.
        public var name: String
        /// The values in order.
        public var values: [Double]

        /// Creates a series.
        public init(name: String, values: [Double]) {
            self.name = name
            self.values = values
        }
    }

    /// The kind: `relearn`, `quantize`, `prompt` or `probe`.
    public var attack: String
    /// Which variant, such as `20 % of the forget set, 3 epochs`.
    public var variant: String
    /// The name of the method whose model was attacked.
    public var method: String
    /// The seed of the stream; nil when it plays no part.
    public var seed: UInt64?
    /// What the values are, such as `aggregate` on the texts that the attack did not see.
    public var measure: String
    /// The unlearned model before the attack.
    public var before: Double
    /// The unlearned model after it.
    public var after: Double
    /// The original model, not attacked.
    public var original: Double
    /// The retain model before the same attack; nil where there is no retain model.
    public var retain: Double?
    /// The retain model after it; nil when it was not attacked.
    public var retainAfter: Double?
    /// The share of the gap to the original that came back; nil when there was no gap.
    public var recovered: Double?
    /// The same for the retain model; nil when it was not attacked or had no gap.
    public var retainRecovered: Double?
    /// Curves, where the attack gives any.
    public var series: [Series]

    /// Creates a result; the recovered shares follow from the values.
    public init(
        attack: String, variant: String, method: String, seed: UInt64? = nil, measure: String = "aggregate",
        before: Double, after: Double, original: Double, retain: Double?, retainAfter: Double? = nil,
        series: [Series] = []
    ) {
        self.attack = attack
        self.variant = variant
        self.method = method
        self.seed = seed
        self.measure = measure
        self.before = before
        self.after = after
        self.original = original
        self.retain = retain
        self.retainAfter = retainAfter
        recovered = DegreeScore.recoveredShare(before: before, after: after, original: original)
        retainRecovered = retain.flatMap { retain in
            retainAfter.flatMap { DegreeScore.recoveredShare(before: retain, after: $0, original: original) }
        }
        self.series = series
    }

    enum CodingKeys: String, CodingKey {
        case attack, variant, method, seed, measure, before, after, original, retain
        case retainAfter = "retain_after"
        case recovered
        case retainRecovered = "retain_recovered"
        case series
    }
}
