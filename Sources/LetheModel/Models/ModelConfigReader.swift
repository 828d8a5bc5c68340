import LetheCore
import LetheTensor

/// Typed reads from config.json; fields that are null count as absent.
public struct ModelConfigReader {
    /// The whole object, as it was read.
    public let object: JSONObject
    private let fields: FieldReader

    /// - Throws: `bad_data` when the document is not an object.
    public init(_ json: JSONValue) throws {
        guard let object = json.objectValue else { throw LetheError(.badData, "config.json: must be an object") }
        self.object = object
        let present = object.entries.filter { $0.value != .null }
        fields = try FieldReader(.object(JSONObject(present)), pointer: "config.json#")
    }

    /// The family's name.
    /// - Throws: `bad_data` when absent.
    public func modelType() throws -> String { try fields.required(fields.string("model_type"), "model_type") }

    /// A size, from 1 to 2^24.
    /// - Throws: `bad_data` when absent or out of range.
    public func size(_ name: String) throws -> Int { try fields.required(optionalSize(name), name) }

    /// A size that may be absent.
    public func optionalSize(_ name: String) throws -> Int? { try fields.integer(name, in: 1...(1 << 24)) }

    /// A number that may be absent.
    public func number(_ name: String) throws -> Double? { try fields.number(name, in: -1e12...1e12) }

    /// A flag with the family's default.
    public func flag(_ name: String, default value: Bool) throws -> Bool { try fields.boolean(name) ?? value }

    /// A string that may be absent.
    public func string(_ name: String) throws -> String? { try fields.string(name) }

    /// An array that may be absent.
    public func array(_ name: String) throws -> [JSONValue]? { try fields.array(name) }

    /// A nested object that may be absent.
    public func nested(_ name: String) throws -> ModelConfigReader? {
        guard let value = fields[name] else { return nil }
        guard value.objectValue != nil else { throw fields.error(name, "must be an object") }
        return try ModelConfigReader(value)
    }

    /// An error about a field.
    public func error(_ name: String, _ problem: String) -> LetheError { fields.error(name, problem) }

    /// The activation that a field names.
    /// - Throws: `unsupported` for one that is not implemented.
    public func activation(_ name: String, default value: String) throws -> Activation {
        switch try string(name) ?? value {
        case "silu", "swish": return .silu
        case "gelu": return .gelu
        case "gelu_new", "gelu_pytorch_tanh", "gelu_fast": return .geluTanh
        case "relu": return .relu
        case let other:
            let shown = other.utf8.count <= 32 ? other : "(a long name)"
            throw LetheError(.unsupported, "config.json#/\(name): activation \(shown) is not supported")
        }
    }

    /// A norm's epsilon.
    public func normEpsilon(_ name: String, default value: Double) throws -> Float { Float(try number(name) ?? value) }

    /// A number for which null means none, and absence the family's default.
    public func number(_ name: String, whenAbsent value: Double) throws -> Double? {
        object[name] == .null ? nil : try number(name) ?? value
    }

    /// A size for which null means none, and absence the family's default.
    public func size(_ name: String, whenAbsent value: Int?) throws -> Int? {
        object[name] == .null ? nil : try optionalSize(name) ?? value
    }

    /// The sliding window of each layer, 0 for none: where `layer_types` says so, or without that list where
    /// `isSliding` does. Empty when no layer has one.
    /// - Throws: `unsupported` for a layer type besides full and sliding attention, `bad_data` for a list that does not
    ///   fit the layers, or windows without a size.
    public func windows(layerCount: Int, window: Int?, isSliding: (Int) -> Bool) throws -> [Int] {
        let slides: [Bool]
        if let types = try array("layer_types") {
            guard types.count == layerCount else { throw error("layer_types", "must have one entry for each layer") }
            slides = try types.map { type in
                switch type.stringValue {
                case "full_attention": return false
                case "sliding_attention": return true
                default:
                    throw LetheError(
                        .unsupported,
                        "config.json#/layer_types: only full_attention and sliding_attention are supported")
                }
            }
        } else {
            slides = window == nil ? [] : (0..<layerCount).map(isSliding)
        }
        guard slides.contains(true) else { return [] }
        guard let window else { throw error("sliding_window", "is none, but layer_types has sliding_attention") }
        return slides.map { $0 ? window : 0 }
    }

    /// Elements of a head that turn, from the share in `rope_parameters` or at the top level under `name`.
    /// - Throws: `bad_data` for a share outside (0, 1].
    public func rotarySize(headSize: Int, name: String, default value: Double) throws -> Int {
        let inner = try nested("rope_parameters")?.number("partial_rotary_factor")
        let share = try inner ?? number(name) ?? value
        guard share > 0, share <= 1 else { throw error(name, "must be above 0 and at most 1") }
        return Int(Double(headSize) * share)
    }

    /// A rotary embedding of whole heads.
    /// - Throws: as ``rotary(size:defaultTheta:key:)``; `unsupported` when the document wants only a part turned.
    public func wholeHeadRotary(_ headSize: Int) throws -> RotaryConfiguration {
        guard try rotarySize(headSize: headSize, name: "partial_rotary_factor", default: 1) == headSize else {
            throw LetheError(.unsupported, "config.json: a partial_rotary_factor is not supported for this model_type")
        }
        return try rotary(size: headSize)
    }

    /// The rotary embedding, from `rope_parameters`, or `rope_theta` with `rope_scaling`.
    /// - Throws: `unsupported` for a rope type that is not implemented, naming it.
    public func rotary(size: Int, defaultTheta: Double = 10_000, key: String? = nil) throws -> RotaryConfiguration {
        var parameters = try nested("rope_parameters")
        if let key, let inner = try parameters?.nested(key) { parameters = inner }
        let scaling = try parameters ?? nested("rope_scaling")
        let theta = try parameters?.number("rope_theta") ?? number("rope_theta") ?? defaultTheta
        guard let scaling else { return RotaryConfiguration(theta: theta, size: size) }
        guard let type = try scaling.string("rope_type") ?? scaling.string("type") else {
            guard parameters != nil else { throw error("rope_scaling", "has no rope_type") }
            return RotaryConfiguration(theta: theta, size: size)
        }
        func factor(_ name: String) throws -> Double {
            guard let value = try scaling.number(name) else { throw error("rope_scaling/\(name)", "is missing") }
            return value
        }
        switch type {
        case "default":
            return RotaryConfiguration(theta: theta, size: size)
        case "linear":
            return RotaryConfiguration(theta: theta, size: size, scaling: .linear(factor: try factor("factor")))
        case "llama3":
            return RotaryConfiguration(
                theta: theta, size: size,
                scaling: .llama3(
                    factor: try factor("factor"), lowFrequencyFactor: try factor("low_freq_factor"),
                    highFrequencyFactor: try factor("high_freq_factor"),
                    originalPositions: try factor("original_max_position_embeddings")))
        default:
            let name = type.utf8.count <= 32 ? type : "(a long name)"
            throw LetheError(.unsupported, "config.json: rope type \(name) is not supported")
        }
    }

    /// End-of-text ids: one number or a list of them.
    public func endOfTextIDs() -> [Int32] {
        guard let value = object["eos_token_id"] else { return [] }
        let values = value.arrayValue ?? [value]
        return values.compactMap { $0.intValue.flatMap { Int32(exactly: $0) } }
    }
}
