import LetheCore

/// A number format that a deployed model's matrices may be rounded to.
public enum WeightFormat: String, Sendable, CaseIterable {
    /// Symmetric int8 with a scale for each output channel.
    case int8
    /// Symmetric int8 with a scale for 32 inputs.
    case int8Group32 = "int8-g32"
    /// Symmetric int8 with a scale for 128 inputs.
    case int8Group128 = "int8-g128"
    /// Symmetric int4 with a scale for each output channel.
    case int4
    /// Symmetric int4 with a scale for 32 inputs.
    case int4Group32 = "int4-g32"
    /// Symmetric int4 with a scale for 128 inputs.
    case int4Group128 = "int4-g128"
    /// 4-bit NormalFloat in blocks of 64.
    case nf4
    /// ggml's Q8_0.
    case q8_0
    /// ggml's Q4_0.
    case q4_0
    /// ggml's Q4_1.
    case q4_1

    /// The name to show.
    public var label: String {
        switch self {
        case .int8: "int8, per channel"
        case .int8Group32: "int8, groups of 32"
        case .int8Group128: "int8, groups of 128"
        case .int4: "int4, per channel"
        case .int4Group32: "int4, groups of 32"
        case .int4Group128: "int4, groups of 128"
        case .nf4: "NF4, blocks of 64"
        case .q8_0: "GGUF Q8_0"
        case .q4_0: "GGUF Q4_0"
        case .q4_1: "GGUF Q4_1"
        }
    }

    /// Rounds a matrix in place: every weight becomes the value that the format gives back for it.
    ///
    /// A row's last group is shorter where the columns are no multiple of the group. The ggml formats leave a matrix
    /// whose rows are no whole number of blocks as it is, as ggml does.
    /// - Parameter values: rows · columns values, row-major; a row is an output channel.
    /// - Throws: `bad_data` for a weight that is not finite or does not fit a ggml scale; `limit_exceeded`.
    package func round(_ values: UnsafeMutablePointer<Float>, rows: Int, columns: Int) throws {
        func integers(bits: Int, group: Int) {
            RoundToNearest(bits: bits, group: group).round(values, rows: rows, columns: columns)
        }
        switch self {
        case .int8: integers(bits: 8, group: columns)
        case .int8Group32: integers(bits: 8, group: 32)
        case .int8Group128: integers(bits: 8, group: 128)
        case .int4: integers(bits: 4, group: columns)
        case .int4Group32: integers(bits: 4, group: 32)
        case .int4Group128: integers(bits: 4, group: 128)
        case .nf4: NormalFloat4.round(values, rows: rows, columns: columns)
        case .q8_0: try BlockRounding.round(values, rows: rows, columns: columns, to: .q8_0)
        case .q4_0: try BlockRounding.round(values, rows: rows, columns: columns, to: .q4_0)
        case .q4_1: try BlockRounding.round(values, rows: rows, columns: columns, to: .q4_1)
        }
    }
}
