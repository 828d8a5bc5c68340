/// An array in the metadata of a GGUF file. All elements are of one type; arrays in arrays are not supported.
public enum GGUFArray: Sendable, Equatable {
    case uint8([UInt8])
    case int8([Int8])
    case uint16([UInt16])
    case int16([Int16])
    case uint32([UInt32])
    case int32([Int32])
    case uint64([UInt64])
    case int64([Int64])
    case float32([Float])
    case float64([Double])
    case bool([Bool])
    case string([String])

    /// The number of elements.
    public var count: Int {
        switch self {
        case .uint8(let values): values.count
        case .int8(let values): values.count
        case .uint16(let values): values.count
        case .int16(let values): values.count
        case .uint32(let values): values.count
        case .int32(let values): values.count
        case .uint64(let values): values.count
        case .int64(let values): values.count
        case .float32(let values): values.count
        case .float64(let values): values.count
        case .bool(let values): values.count
        case .string(let values): values.count
        }
    }

    /// The strings, or nil when it holds something else.
    public var strings: [String]? {
        if case .string(let values) = self { return values }
        return nil
    }

    /// The elements as 32-bit integers, or nil when they are no integers or one does not fit.
    public var int32s: [Int32]? {
        switch self {
        case .uint8(let values): Self.exact(values)
        case .int8(let values): Self.exact(values)
        case .uint16(let values): Self.exact(values)
        case .int16(let values): Self.exact(values)
        case .uint32(let values): Self.exact(values)
        case .int32(let values): values
        case .uint64(let values): Self.exact(values)
        case .int64(let values): Self.exact(values)
        case .float32, .float64, .bool, .string: nil
        }
    }

    /// The elements as 32-bit floats, or nil when they are no floats.
    public var floats: [Float]? {
        switch self {
        case .float32(let values): values
        case .float64(let values): values.map { Float($0) }
        default: nil
        }
    }

    private static func exact(_ values: [some BinaryInteger]) -> [Int32]? {
        var result: [Int32] = []
        result.reserveCapacity(values.count)
        for value in values {
            guard let number = Int32(exactly: value) else { return nil }
            result.append(number)
        }
        return result
    }
}
