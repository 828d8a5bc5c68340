/// What was measured of one model on one set of texts.
public struct SetMetrics: Codable, Sendable, Equatable {
    /// How many texts.
    public var texts: Int
    /// How many questions.
    public var pairs: Int
    /// P: the mean length-normalised probability of the answers.
    public var probability: Double
    /// R: the mean ROUGE-L F-measure of the greedy answers, the continuation alone.
    public var rougeL: Double
    /// R as published: prompt and answer decoded together, 128 tokens in all; nil when it was not measured.
    public var rougeLPublished: Double?
    /// A: the mean share of the texts' tokens predicted right.
    public var accuracy: Double
    /// 100 times the cube root of the product of the three.
    public var aggregate: Double
    /// The mean extraction strength of the answers; nil when it was not measured.
    public var extractionStrength: Double?
    /// The mean exact memorisation of the answers; nil when it was not measured.
    public var exactMemorisation: Double?
    /// The mean negative log-probability of the texts' tokens, in nats.
    public var meanNLL: Double
    /// The perplexity of the texts.
    public var perplexity: Double
    /// The truth ratio's aggregate for this side; nil when the data has no wrong answers.
    public var truthRatio: Double?
    /// Membership inference against the retain texts; empty when it was not run.
    public var membership: [MembershipResult]

    /// Creates the metrics; the aggregate follows from its parts.
    public init(
        texts: Int, pairs: Int, probability: Double, rougeL: Double, rougeLPublished: Double? = nil, accuracy: Double,
        extractionStrength: Double? = nil, exactMemorisation: Double? = nil, meanNLL: Double, perplexity: Double,
        truthRatio: Double? = nil, membership: [MembershipResult] = []
    ) {
        self.texts = texts
        self.pairs = pairs
        self.probability = probability
        self.rougeL = rougeL
        self.rougeLPublished = rougeLPublished
        self.accuracy = accuracy
        aggregate = AggregateScore(probability: probability, rougeL: rougeL, accuracy: accuracy).value
        self.extractionStrength = extractionStrength
        self.exactMemorisation = exactMemorisation
        self.meanNLL = meanNLL
        self.perplexity = perplexity
        self.truthRatio = truthRatio
        self.membership = membership
    }

    enum CodingKeys: String, CodingKey {
        case texts, pairs, probability
        case rougeL = "rouge_l"
        case rougeLPublished = "rouge_l_published"
        case accuracy, aggregate
        case extractionStrength = "extraction_strength"
        case exactMemorisation = "exact_memorisation"
        case meanNLL = "mean_nll"
        case perplexity
        case truthRatio = "truth_ratio"
        case membership
    }
}
