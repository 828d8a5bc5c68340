import LetheTensor

/// Scale, and for layer norms shift, of a normalisation.
public struct NormWeights {
    /// [d].
    public var weight: FloatBuffer
    /// [d]; nil for RMS norms.
    public var bias: FloatBuffer?
}
