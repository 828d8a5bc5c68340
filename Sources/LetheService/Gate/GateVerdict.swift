import LetheCore

/// What the gate found: every check with its value and its limit.
public struct GateVerdict: Sendable, Equatable {
    /// One check.
    public struct Check: Sendable, Equatable {
        /// A stable name.
        public let name: String
        /// What was measured; nil when it could not be, which is a failure.
        public let value: Double?
        /// What it is compared with.
        public let limit: Double
        /// Whether the value may be at most the limit, or has to be at least it.
        public let isUpperLimit: Bool

        package init(name: String, value: Double?, limit: Double, isUpperLimit: Bool) {
            self.name = name
            self.value = value
            self.limit = limit
            self.isUpperLimit = isUpperLimit
        }

        /// Whether the check is passed; a value that is not finite never passes.
        public var isPassed: Bool {
            guard let value, value.isFinite else { return false }
            return isUpperLimit ? value <= limit : value >= limit
        }

        /// The check as an object.
        public var json: JSONValue {
            [
                "name": .string(name), "value": value.map { .number($0) } ?? .null,
                isUpperLimit ? "at_most" : "at_least": .number(limit), "passed": .bool(isPassed),
            ]
        }
    }

    /// The checks in order.
    public var checks: [Check] = []
    /// What the recovery check did; nil when it did not run.
    public var recovery: RecoveryFinding?

    package init() {}

    /// Whether every check is passed.
    public var isPassed: Bool { checks.allSatisfy(\.isPassed) }

    /// The checks that are not passed, in words that are safe to show.
    public var failure: String {
        checks.filter { !$0.isPassed }.map { check in
            let value = check.value.map { String(describing: ($0 * 1000).rounded() / 1000) } ?? "not measured"
            return "\(check.name) is \(value), the limit is \(check.limit)"
        }.joined(separator: "; ")
    }

    /// The verdict as an object.
    public var json: JSONValue {
        [
            "passed": .bool(isPassed), "checks": .array(checks.map(\.json)),
            "recovery": recovery?.json ?? .null,
        ]
    }

    mutating func require(_ name: String, _ value: Double?, atMost limit: Double) {
        checks.append(Check(name: name, value: value, limit: limit, isUpperLimit: true))
    }

    mutating func require(_ name: String, _ value: Double?, atLeast limit: Double) {
        checks.append(Check(name: name, value: value, limit: limit, isUpperLimit: false))
    }
}
