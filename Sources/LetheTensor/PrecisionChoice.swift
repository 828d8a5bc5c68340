import LetheCore

/// What a user asks of the products' precision, before it is known what the processor can do.
public enum PrecisionChoice: String, Sendable, CaseIterable {
    /// The reference path.
    case float32
    /// bfloat16 products; an error where the processor has none.
    case bfloat16
    /// bfloat16 products where the processor has them, and fp32 elsewhere.
    case auto

    /// The precision to compute in on this machine.
    /// - Throws: `unsupported` for bfloat16 on a processor that would only emulate it.
    public func resolved() throws -> Precision {
        switch self {
        case .float32: return .float32
        case .auto: return Engine.hasBFloat16 ? .bfloat16 : .float32
        case .bfloat16:
            guard Engine.hasBFloat16 else {
                throw LetheError(
                    .unsupported,
                    "bfloat16 products are not in this processor's instruction set (\(Engine.instructionSet)); "
                        + "use float32 or auto")
            }
            return .bfloat16
        }
    }
}
