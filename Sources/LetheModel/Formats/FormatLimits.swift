/// What the checkpoint readers refuse before it costs memory.
public struct FormatLimits: Sendable, Equatable {
    /// Bytes of a safetensors header, or of a shard index.
    public var headerBytes = 16 << 20
    /// Tensors of one file.
    public var tensors = 65_536
    /// UTF-8 bytes of a tensor's name.
    public var nameBytes = 512
    /// Extents of a safetensors tensor. (GGUF allows 4.)
    public var rank = 8
    /// Key-value pairs of a GGUF file.
    public var metadataEntries = 65_536
    /// Shards of one checkpoint.
    public var shards = 4_096
    /// Bytes of all tensors of one file.
    public var dataBytes = Int.max

    /// Creates the default limits.
    public init() {}

    /// The default limits.
    public static let `default` = FormatLimits()
}
