import Foundation

extension ErasureRequest {
    /// Reads a request from the API's JSON.
    ///
    /// - Throws: ``LetheError`` with code `bad_data` or `limit_exceeded`; the message begins with the JSON Pointer of
    ///   the field and never quotes its content. Unknown fields are errors.
    public init(json: JSONValue, limits: RequestLimits = .default) throws {
        let body = try FieldReader(json, pointer: "")
        try body.allowOnly([
            "kind", "category", "reference", "items", "keep", "options", "priority", "due_at", "model",
        ])
        let kindName = try body.string("kind") ?? RequestKind.erase.rawValue
        guard let kind = RequestKind(rawValue: kindName) else {
            throw body.error("kind", "is not one of erase, rectify")
        }
        guard let category = try RequestCategory(rawValue: body.required(body.string("category"), "category")) else {
            throw body.error("category", "is not one of personal, copyright, harmful, other")
        }
        let reference = try body.string("reference", maximumCharacters: limits.referenceCharacters)
        let items = try Self.items(body, "items", limits: limits)
        guard !items.isEmpty else { throw body.error("items", "needs at least one item") }
        let keep = try Self.items(body, "keep", limits: limits)
        var options = RequestOptions()
        if let value = body["options"] {
            options = try RequestOptions(json: value, pointer: "/options")
        }
        let priority = try body.integer("priority", in: -100...100) ?? 0
        var dueAt: Date?
        if let text = try body.string("due_at", maximumCharacters: 64) {
            guard let date = Timestamp.parse(text) else { throw body.error("due_at", "is not an RFC 3339 date-time") }
            dueAt = date
        }
        let model = try body.string("model", maximumCharacters: 64)
        if let model, !ModelName.isValid(model) {
            throw body.error("model", ModelName.rule)
        }
        self.init(
            kind: kind, category: category, reference: reference, items: items, keep: keep, options: options,
            priority: priority, dueAt: dueAt, model: model)
    }

    /// The request as the API's JSON; ``init(json:limits:)`` reads it back.
    public var json: JSONValue {
        var object = JSONObject()
        object["kind"] = .string(kind.rawValue)
        object["category"] = .string(category.rawValue)
        if let reference { object["reference"] = .string(reference) }
        object["items"] = .array(items.map(\.json))
        if !keep.isEmpty { object["keep"] = .array(keep.map(\.json)) }
        if options != RequestOptions() { object["options"] = options.json }
        if priority != 0 { object["priority"] = .integer(Int64(priority)) }
        if let dueAt { object["due_at"] = .string(Timestamp.string(dueAt)) }
        if let model { object["model"] = .string(model) }
        return .object(object)
    }

    private static func items(_ body: FieldReader, _ name: String, limits: RequestLimits) throws -> [ForgetItem] {
        guard let values = try body.array(name) else { return [] }
        guard values.count <= limits.items else {
            throw LetheError(
                .limitExceeded, "\(body.path(name)): \(values.count) entries; the limit is \(limits.items)")
        }
        return try values.enumerated().map { index, value in
            try ForgetItem(json: value, pointer: "\(body.path(name))/\(index)", limits: limits)
        }
    }
}

extension ForgetItem {
    /// Reads `{"text"}` or `{"prompt","completion"}`.
    public init(json: JSONValue, pointer: String, limits: RequestLimits = .default) throws {
        let body = try FieldReader(json, pointer: pointer)
        try body.allowOnly(["text", "prompt", "completion"])
        func field(_ name: String) throws -> String? {
            let value = try body.string(name, maximumCharacters: limits.textCharacters)
            if let value, value.isEmpty { throw body.error(name, "is empty") }
            return value
        }
        switch (try field("text"), try field("prompt"), try field("completion")) {
        case (let text?, nil, nil): self = .text(text)
        case (nil, let prompt?, let completion?): self = .pair(prompt: prompt, completion: completion)
        default:
            throw LetheError(.badData, "\(pointer): needs either text, or prompt and completion")
        }
    }

    /// The item as the API's JSON.
    public var json: JSONValue {
        switch self {
        case .text(let text): .object(JSONObject([("text", .string(text))]))
        case .pair(let prompt, let completion):
            .object(JSONObject([("prompt", .string(prompt)), ("completion", .string(completion))]))
        }
    }
}

extension RequestOptions {
    /// Reads the `options` object.
    public init(json: JSONValue, pointer: String) throws {
        self.init()
        let body = try FieldReader(json, pointer: pointer)
        try body.allowOnly([
            "method", "reweighting", "preset", "layers", "targeting", "keep_term", "keep_weight", "learning_rate",
            "epochs", "seed",
        ])
        method = try body.string("method", maximumCharacters: 32)
        reweighting = try body.string("reweighting", maximumCharacters: 32)
        preset = try body.string("preset", maximumCharacters: 32)
        targeting = try body.string("targeting", maximumCharacters: 32)
        keepTerm = try body.string("keep_term", maximumCharacters: 32)
        layers = try body.integer("layers", in: Bounds.layers)
        keepWeight = try body.number("keep_weight", in: Bounds.keepWeight)
        learningRate = try body.number("learning_rate", in: Bounds.learningRate)
        epochs = try body.integer("epochs", in: Bounds.epochs)
        seed = try body.integer("seed", in: Bounds.seed).map(UInt64.init)
    }

    /// The options as the API's JSON, without those left to the preset.
    public var json: JSONValue {
        var object = JSONObject()
        if let method { object["method"] = .string(method) }
        if let reweighting { object["reweighting"] = .string(reweighting) }
        if let preset { object["preset"] = .string(preset) }
        if let layers { object["layers"] = .integer(Int64(layers)) }
        if let targeting { object["targeting"] = .string(targeting) }
        if let keepTerm { object["keep_term"] = .string(keepTerm) }
        if let keepWeight { object["keep_weight"] = .number(keepWeight) }
        if let learningRate { object["learning_rate"] = .number(learningRate) }
        if let epochs { object["epochs"] = .integer(Int64(epochs)) }
        if let seed { object["seed"] = .integer(Int64(clamping: seed)) }
        return .object(object)
    }
}
