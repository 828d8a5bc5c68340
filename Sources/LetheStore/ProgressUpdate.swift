import LetheCore

/// How far an update has come; numbers and names of phases only, so that no text can slip in.
public struct ProgressUpdate: Sendable {
    /// `filtering`, `training`, ...: 1 to 32 of a-z and `_`.
    public var phase: String
    /// The steps that are done.
    public var step: Int
    /// How many steps there are, or the most there can be.
    public var total: Int
    /// Measured values by name, such as `loss`; names like ``phase``.
    public var values: [(name: String, value: Double)]

    /// Describes progress.
    public init(phase: String, step: Int, total: Int, values: [(name: String, value: Double)] = []) {
        self.phase = phase
        self.step = step
        self.total = total
        self.values = values
    }

    /// The detail of the event.
    /// - Throws: ``LetheError`` with code `usage` when a name does not keep its rule.
    func json() throws -> JSONValue {
        func isName(_ text: String) -> Bool {
            (1...32).contains(text.utf8.count) && text.utf8.allSatisfy { (97...122).contains($0) || $0 == 95 }
        }
        guard isName(phase), values.allSatisfy({ isName($0.name) }) else {
            throw LetheError(.usage, "progress: names are 1 to 32 of a-z and _")
        }
        var object = JSONObject()
        object["phase"] = .string(phase)
        object["step"] = .integer(Int64(step))
        object["total"] = .integer(Int64(total))
        for (name, value) in values { object[name] = .number(value) }
        return .object(object)
    }
}
