/// What a checkpoint says about one of its tensors. The reader has checked that the numbers agree with each other and
/// with the file.
public struct TensorInfo: Sendable, Equatable {
    /// The tensor's name in the file.
    public let name: String
    /// How its elements are stored.
    public let encoding: TensorEncoding
    /// The extents, outermost first as PyTorch writes them. Empty for a scalar; an extent may be 0.
    public let shape: [Int]
    /// The product of the extents; 1 for a scalar.
    public let elementCount: Int
    /// Bytes in the file.
    public let byteCount: Int

    /// The element type in a safetensors file, nil in a GGUF file.
    public var elementType: ElementType? {
        if case .element(let type) = encoding { return type }
        return nil
    }

    /// The encoding in a GGUF file, nil in a safetensors file.
    public var ggmlType: GGMLType? {
        if case .ggml(let type) = encoding { return type }
        return nil
    }
}

extension TensorInfo {
    /// Decodes the tensor's bytes into floats, row-major. Does nothing when the encoding cannot be read as floats or
    /// when the buffers do not have exactly the tensor's size.
    package func decode(_ bytes: UnsafeRawBufferPointer, into target: UnsafeMutableBufferPointer<Float>) {
        guard bytes.count == byteCount, target.count == elementCount, let source = bytes.baseAddress,
            let output = target.baseAddress
        else { return }
        switch encoding {
        case .element(.float32): FloatConversion.copyFloats(source, output, count: elementCount)
        case .element(.float16): FloatConversion.widenHalves(source, output, count: elementCount)
        case .element(.bfloat16): FloatConversion.widenBFloat16s(source, output, count: elementCount)
        case .element: break
        case .ggml(let type): Dequantization.decode(type, source, output, blocks: elementCount / type.blockSize)
        }
    }
}
