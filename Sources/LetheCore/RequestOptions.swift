/// How a request is carried out; what is nil comes from the preset.
///
/// Names are checked where they are used, so that this type does not have to know every method.
public struct RequestOptions: Sendable, Equatable {
    /// `fit`, or the name of one objective (`ga`, `npo`, ...).
    public var method: String?
    /// The token weights' name: `none`, `satimp`, ...
    public var reweighting: String?
    /// `lethe` or `published`.
    public var preset: String?
    /// How many decoder layers are trained.
    public var layers: Int?
    /// How those layers are chosen: `exact`, `contrast`, `gradient` or `middle`.
    public var targeting: String?
    /// `none`, `gd`, `kl` or `kl-published`.
    public var keepTerm: String?
    /// Weight of the keep term.
    public var keepWeight: Double?
    /// Peak learning rate.
    public var learningRate: Double?
    /// Passes over the item, or the most of them when the stop rule ends earlier.
    public var epochs: Int?
    /// Seed of every random choice.
    public var seed: UInt64?

    /// Creates options that leave everything to the preset.
    public init() {}

    /// Bounds of the numbers, as the API documents them.
    public enum Bounds {
        /// Decoder layers, from the input up.
        public static let layers = 1...1024
        /// Of the keep term's weight.
        public static let keepWeight = 0.0...1000.0
        /// Learning rate.
        public static let learningRate = 1e-9...1.0
        /// Passes over the data.
        public static let epochs = 1...1000
        /// Seed of every random choice.
        public static let seed = 0...Int(Int32.max)
    }
}
