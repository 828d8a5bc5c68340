/// The model that was evaluated.
public struct ModelDescription: Codable, Sendable, Equatable {
    /// Its name, as the caller gave it.
    public var name: String
    /// Its architecture.
    public var architecture: String
    /// How many parameters it has.
    public var parameters: Int
    /// How many decoder layers it has.
    public var layers: Int
    /// A digest of its weights.
    public var digest: String

    /// Creates a description.
    public init(name: String, architecture: String, parameters: Int, layers: Int, digest: String) {
        self.name = name
        self.architecture = architecture
        self.parameters = parameters
        self.layers = layers
        self.digest = digest
    }
}
