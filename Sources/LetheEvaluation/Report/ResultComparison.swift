import Foundation
import LetheCore

/// Two results side by side.
public struct ResultComparison: Sendable {
    private let first: EvaluationResult
    private let second: EvaluationResult
    private let names: (String, String)

    /// Compares two results.
    /// - Parameters:
    ///   - first: the one to compare with.
    ///   - second: the other; differences are second less first.
    ///   - names: how to call them, such as their folders' names.
    public init(_ first: EvaluationResult, _ second: EvaluationResult, names: (String, String) = ("A", "B")) {
        self.first = first
        self.second = second
        self.names = names
    }

    /// What has to be known before the numbers are compared; empty when the two were run on the same.
    public var differences: [String] {
        var differences: [String] = []
        func note(_ what: String, _ a: String, _ b: String) {
            if a != b { differences.append("\(what): \(a) and \(b)") }
        }
        note("model digest", first.model.digest, second.model.digest)
        note("data digest", first.data.digest, second.data.digest)
        note("seeds", "\(first.seeds)", "\(second.seeds)")
        note("questions derived", "\(first.data.questionsAreDerived)", "\(second.data.questionsAreDerived)")
        note("processor", first.machine.processor, second.machine.processor)
        note("threads", "\(first.machine.threads)", "\(second.machine.threads)")
        for key in Set(first.settings.keys).union(second.settings.keys).sorted() {
            note(key, first.settings[key] ?? "unset", second.settings[key] ?? "unset")
        }
        return differences
    }

    /// A table in plain text: for each method and attack both values and their difference.
    public var text: String {
        var text = "\(names.0): \(first.model.name), \(first.data.name), \(first.createdAt)\n"
        text += "\(names.1): \(second.model.name), \(second.data.name), \(second.createdAt)\n"
        if !differences.isEmpty {
            text += "\nThe two differ in\n" + differences.map { "  \($0)\n" }.joined()
        }
        for (title, rows) in blocks {
            var table = ReportTable(title, names.0, names.1, "difference")
            for row in rows {
                let difference = Self.difference(row)
                table.add(
                    row.name, ReportNumber.degree(row.values.0), ReportNumber.degree(row.values.1),
                    (difference.map { $0 > 0.0005 ? "+" : "" } ?? "") + ReportNumber.degree(difference))
            }
            text += "\n" + table.text
        }
        return text
    }

    /// The same as JSON: `differences`, and `tables` of `title` and `rows` with `name`, `first`, `second` and
    /// `difference`; a value that one of the two does not have is null.
    public var json: JSONValue {
        func number(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }
        return [
            "differences": .array(differences.map(JSONValue.string)),
            "tables": .array(
                blocks.map { title, rows in
                    [
                        "title": .string(title),
                        "rows": .array(
                            rows.map { row in
                                [
                                    "name": .string(row.name), "first": number(row.values.0),
                                    "second": number(row.values.1), "difference": number(Self.difference(row)),
                                ]
                            }),
                    ]
                }),
        ]
    }

    private static func difference(_ row: Row) -> Double? {
        row.values.0.flatMap { first in row.values.1.map { $0 - first } }
    }

    /// The tables that have rows.
    private var blocks: [(title: String, rows: [Row])] {
        let blocks: [(title: String, rows: [Row])] = [
            ("Forget Degree, last checkpoint", rows { $0.summary.last?.forgetDegree.mean }),
            ("Retain Utility, last checkpoint", rows { $0.summary.last?.retainUtility.mean }),
            ("Forget Degree, mean of the checkpoints", rows { $0.summary.map(\.forgetDegree.mean).mean }),
            ("Retain Utility, mean of the checkpoints", rows { $0.summary.map(\.retainUtility.mean).mean }),
            ("Recovered by attacks", attackRows),
            ("Median seconds of a request", secondRows),
        ]
        return blocks.filter { !$0.rows.isEmpty }
    }

    private typealias Row = (name: String, values: (Double?, Double?))

    /// One row for each method that either result has and that has a value there.
    private func rows(_ value: (MethodResult) -> Double?) -> [Row] {
        union(first.methods.map(\.name), second.methods.map(\.name)).compactMap { name in
            let a = first.methods.first { $0.name == name }
            let b = second.methods.first { $0.name == name }
            let values = (a.flatMap(value), b.flatMap(value))
            return values.0 == nil && values.1 == nil ? nil : (a?.label ?? b?.label ?? name, values)
        }
    }

    private var attackRows: [Row] {
        func recovered(_ result: EvaluationResult) -> [(String, Double?)] {
            var names: [String] = []
            var values: [String: [Double]] = [:]
            for attack in result.attacks {
                let label = result.methods.first { $0.name == attack.method }?.label ?? attack.method
                let name = "\(label): \(attack.attack), \(attack.variant), \(attack.measure)"
                if values[name] == nil { names.append(name) }
                values[name, default: []] += attack.recovered.map { [$0] } ?? []
            }
            return names.map { ($0, values[$0]?.mean) }
        }
        let (a, b) = (recovered(first), recovered(second))
        return union(a.map(\.0), b.map(\.0)).map { name in
            (name, (a.first { $0.0 == name }?.1, b.first { $0.0 == name }?.1))
        }
    }

    private var secondRows: [Row] {
        func median(_ result: EvaluationResult, _ method: MethodResult) -> Double? {
            let seconds = result.requests.filter { $0.method == method.name }.map(\.seconds).sorted()
            return seconds.isEmpty ? nil : SampleSummary.quantile(0.5, ofSorted: seconds)
        }
        return union(first.methods.map(\.name), second.methods.map(\.name)).compactMap { name in
            let a = first.methods.first { $0.name == name }
            let b = second.methods.first { $0.name == name }
            let values = (a.flatMap { median(first, $0) }, b.flatMap { median(second, $0) })
            return values.0 == nil && values.1 == nil ? nil : (a?.label ?? b?.label ?? name, values)
        }
    }

    private func union(_ first: [String], _ second: [String]) -> [String] {
        first + second.filter { !first.contains($0) }
    }
}
