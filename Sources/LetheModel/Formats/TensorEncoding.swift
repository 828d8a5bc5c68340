/// How the elements of a stored tensor are laid out.
public enum TensorEncoding: Sendable, Equatable {
    /// One element after the other, row-major, little-endian (safetensors).
    case element(ElementType)
    /// ggml blocks, row-major (GGUF).
    case ggml(GGMLType)

    /// The format's name of the encoding, such as "BF16" or "Q4_K".
    public var name: String {
        switch self {
        case .element(let type): type.rawValue
        case .ggml(let type): type.name
        }
    }

    /// Whether tensors of this encoding can be read as 32-bit floats.
    public var isReadableAsFloat32: Bool {
        switch self {
        case .element(let type): type.isReadableAsFloat32
        case .ggml(let type): type.isReadableAsFloat32
        }
    }
}
