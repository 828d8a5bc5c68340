/// The element type of the inputs of a matrix product; sums and results are always fp32.
public enum Precision: String, Sendable, CaseIterable {
    /// The reference path.
    case float32
    /// Inputs are rounded to bfloat16. Faster only where the CPU multiplies them in hardware.
    case bfloat16
}
