import LetheCore

/// Reads the `post_processor` of a tokenizer.json.
enum PostProcessorReader {
    private static let maximumParts = 256

    static func read(
        _ value: JSONValue, path: String, budget: ComponentBudget, idBound: Int
    ) throws -> PostProcessor {
        let templates = try templates(value, path: path, budget: budget, idBound: idBound)
        guard templates.count <= 1 else {
            throw LetheError(.unsupported, "\(path): more than one template is not supported")
        }
        return PostProcessor(template: templates.first ?? [.sequence])
    }

    private static func templates(
        _ value: JSONValue, path: String, budget: ComponentBudget, idBound: Int
    ) throws -> [[PostProcessor.Part]] {
        try budget.take(path)
        let fields = try JSONFields(value, path: path)
        let type = try fields.type()
        switch type {
        case "Sequence":
            return try fields.array("processors").enumerated().flatMap { index, step in
                try templates(step, path: "\(path).processors[\(index)]", budget: budget, idBound: idBound)
            }
        case "ByteLevel":
            // Changes offsets only.
            return []
        case "BertProcessing", "RobertaProcessing":
            let first = try pair(fields, "cls", idBound)
            let last = try pair(fields, "sep", idBound)
            return [[.special([first]), .sequence, .special([last])]]
        case "TemplateProcessing":
            return [try template(fields, idBound)]
        default:
            throw fields.unsupported("post-processor \(JSONFields.printable(type))")
        }
    }

    /// The id of `["token", id]`.
    private static func pair(_ fields: JSONFields, _ key: String, _ idBound: Int) throws -> Int32 {
        let elements = try fields.array(key)
        guard elements.count == 2, elements[0].stringValue != nil, let id = elements[1].intValue, id >= 0, id < idBound
        else {
            throw LetheError(.badData, "\(fields.path).\(key) is not a token with an id of 0 ..< \(idBound)")
        }
        return Int32(id)
    }

    private static func template(_ fields: JSONFields, _ idBound: Int) throws -> [PostProcessor.Part] {
        var special: [[UInt8]: [Int32]] = [:]
        let declared = try fields.fields("special_tokens")
        guard declared.object.count <= maximumParts else {
            throw LetheError(.limitExceeded, "\(declared.path) has more than \(maximumParts) tokens")
        }
        for (index, entry) in declared.object.entries.enumerated() {
            let path = "\(declared.path)[\(index)]"
            let ids = try JSONFields(entry.value, path: path).array("ids")
            guard ids.count <= maximumParts else {
                throw LetheError(.limitExceeded, "\(path).ids has more than \(maximumParts) ids")
            }
            special[Array(entry.key.utf8)] = try ids.map { value in
                guard let id = value.intValue, id >= 0, id < idBound else {
                    throw LetheError(.badData, "\(path).ids has an id outside 0 ..< \(idBound)")
                }
                return Int32(id)
            }
        }
        let parts = try fields.array("single")
        guard parts.count <= maximumParts else {
            throw LetheError(.limitExceeded, "\(fields.path).single has more than \(maximumParts) parts")
        }
        var hasSequence = false
        return try parts.enumerated().map { index, part in
            let path = "\(fields.path).single[\(index)]"
            let choice = try JSONFields(part, path: path)
            if choice.object["Sequence"] != nil {
                let name = try choice.fields("Sequence").string("id")
                guard name.hasSameBytes(as: "A") else {
                    throw LetheError(.badData, "\(path) names another sequence than A")
                }
                guard !hasSequence else { throw LetheError(.badData, "\(path) names sequence A a second time") }
                hasSequence = true
                return .sequence
            }
            let name = try choice.fields("SpecialToken").string("id")
            guard let ids = special[Array(name.utf8)] else {
                throw LetheError(.badData, "\(path) names a token that special_tokens does not declare")
            }
            return .special(ids)
        }
    }
}
