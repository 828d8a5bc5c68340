import Foundation
import LetheCore
import LetheEvaluation
import Testing

@Suite struct EvaluationResultTests {
    private func parsed() throws -> JSONValue {
        try JSONParser.parse(SampleResult.make().json(), limits: .init(maximumBytes: 64 << 20), context: "result.json")
    }

    /// The sample's JSON with one member replaced, or removed.
    private func json(replacing path: [String], by value: JSONValue?) throws -> Data {
        func replaced(_ json: JSONValue, _ path: ArraySlice<String>) throws -> JSONValue {
            let key = try #require(path.first)
            if let list = json.arrayValue {
                let index = try #require(Int(key))
                var list = list
                list[index] = path.count == 1 ? try #require(value) : try replaced(list[index], path.dropFirst())
                return .array(list)
            }
            var object = try #require(json.objectValue)
            object[key] = path.count == 1 ? value : try replaced(try #require(object[key]), path.dropFirst())
            return .object(object)
        }
        return try replaced(parsed(), path[...]).serialized()
    }

    @Test func writesWhatItReads() throws {
        let result = try SampleResult.make()
        let data = try result.json()
        #expect(try EvaluationResult(json: data) == result)
        #expect(try EvaluationResult(json: data).json() == data)
        #expect(try SampleResult.make().json() == data)
    }

    @Test func everyKeyIsSnakeCase() throws {
        func check(_ json: JSONValue) {
            for entry in json.objectValue?.entries ?? [] {
                #expect(entry.key.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 95 })
                check(entry.value)
            }
            json.arrayValue?.forEach(check)
        }
        check(try parsed())
    }

    @Test func everyKeyIsDocumented() throws {
        let page = try String(contentsOf: Fixture.url("../../Docs/result-schema.md"), encoding: .utf8)
        var keys: Set<String> = []
        func collect(_ json: JSONValue) {
            for entry in json.objectValue?.entries ?? [] {
                keys.insert(entry.key)
                // The names of settings, phases and categories are data.
                if !["settings", "phase_seconds", "forget_categories", "retain_categories"].contains(entry.key) {
                    collect(entry.value)
                }
            }
            json.arrayValue?.forEach(collect)
        }
        collect(try parsed())
        #expect(keys.count > 80)
        for key in keys { #expect(page.contains("`\(key)`"), "\(key)") }
    }

    @Test func theDegreesFollowFromTheMetrics() {
        let checkpoint = CheckpointResult(
            deleted: 12, total: 60, forget: SampleResult.metrics(44, texts: 12),
            retain: SampleResult.metrics(72, texts: 60),
            reference: ReferenceValues(
                exact: SidePair(forget: 40, retain: 80), interpolated: SidePair(forget: 80, retain: 90),
                retrained: SidePair(forget: 44, retain: 0)))
        func isClose(_ value: Double?, _ expected: Double) -> Bool { value.map { abs($0 - expected) < 1e-9 } ?? false }
        #expect(checkpoint.share == 0.2)
        #expect(isClose(checkpoint.forget.aggregate, 44))
        #expect(isClose(checkpoint.forgetDegree.exact, 0.9))
        #expect(isClose(checkpoint.forgetDegree.interpolated, 0.55))
        #expect(isClose(checkpoint.forgetDegree.retrained, 1))
        #expect(isClose(checkpoint.retainUtility.exact, 0.9))
        #expect(isClose(checkpoint.retainUtility.interpolated, 0.8))
        #expect(checkpoint.retainUtility.retrained == 0)
    }

    @Test func theSummaryIsTheMeanOverTheSeeds() throws {
        func run(_ seed: UInt64, _ forget: Double) -> MethodResult.Run {
            MethodResult.Run(
                seed: seed,
                checkpoints: [
                    CheckpointResult(
                        deleted: 6, total: 6, forget: SampleResult.metrics(forget, texts: 6),
                        retain: SampleResult.metrics(80, texts: 6),
                        reference: ReferenceValues(
                            exact: SidePair(forget: 40, retain: 80), interpolated: SidePair(forget: 40, retain: 80)),
                        categories: [
                            CategoryResult(
                                category: "personal", forget: SampleResult.metrics(forget, texts: 2), retain: nil,
                                reference: SidePair(forget: 40, retain: 80))
                        ])
                ])
        }
        let method = MethodResult(name: "m", label: "M", role: .method, runs: [run(20, 44), run(30, 28)])
        let summary = try #require(method.summary.first)
        #expect(method.summary.count == 1)
        #expect(abs(summary.forgetDegree.mean - 0.8) < 1e-9)
        #expect(abs(summary.forgetDegree.standardDeviation - 0.02.squareRoot()) < 1e-9)
        #expect(abs(summary.forgetDegree.minimum - 0.7) < 1e-9 && abs(summary.forgetDegree.maximum - 0.9) < 1e-9)
        #expect(abs(summary.retainUtility.mean - 1) < 1e-9)
        #expect(summary.categories.map(\.category) == ["personal"])
        #expect(summary.categories[0].forgetDegree.map { abs($0.mean - 0.8) < 1e-9 } == true)
        #expect(summary.categories[0].retainUtility == nil)
    }

    @Test func theRetainModelControlScoresOne() throws {
        let result = try SampleResult.make()
        let control = try #require(result.methods.first { $0.name == "retain-model" })
        for summary in control.summary {
            #expect(abs(summary.forgetDegree.mean - 1) < 1e-12 && abs(summary.retainUtility.mean - 1) < 1e-12)
        }
        #expect(result.headlineMethod?.name == "lethe")
    }

    @Test func withoutTimesTwoRunsAreEqual() throws {
        let first = try SampleResult.make()
        var second = first
        second.createdAt = "2027-01-01T00:00:00.000Z"
        second.durationSeconds += 1
        second.requests[0].seconds += 1
        second.requests[0].phaseSeconds["update"] = 9
        second.requests[0].peakMemoryBytes += 1
        #expect(first != second)
        #expect(first.withoutTimes == second.withoutTimes)
        second.requests[0].steps += 1
        #expect(first.withoutTimes != second.withoutTimes)
    }

    @Test func numbersThatAreNoneSurvive() throws {
        var result = try SampleResult.make()
        result.baselines[0].forget.perplexity = .infinity
        result.baselines[0].forget.meanNLL = .nan
        let read = try EvaluationResult(json: result.json())
        #expect(read.baselines[0].forget.perplexity == .infinity)
        #expect(read.baselines[0].forget.meanNLL.isNaN)
    }

    @Test(
        arguments: [
            (["schema_version"], nil, "bad_data", "/schema_version"),
            (["schema_version"], 2, "unsupported", "version 2"),
            (["methods", "0", "runs", "1", "seed"], "x", "bad_data", "/methods/0/runs/1/seed"),
            (["methods", "0", "role"], "other", "bad_data", "/methods/0/role"),
            (["model", "digest"], nil, "bad_data", "/model/digest"),
            (["requests"], [:], "bad_data", "/requests"),
            (["baselines", "0", "forget", "perplexity"], "large", "bad_data", "/baselines/0/forget/perplexity"),
        ] as [([String], JSONValue?, String, String)])
    func namesWhereItCannotBeRead(path: [String], value: JSONValue?, code: String, place: String) throws {
        let data = try json(replacing: path, by: value)
        let error = #expect(throws: LetheError.self) { try EvaluationResult(json: data) }
        #expect(error?.code.rawValue == code)
        #expect(error?.message.contains(place) == true, "\(error?.message ?? "")")
    }

    @Test func whatIsNoJSONIsAnError() {
        #expect(throws: LetheError.self) { try EvaluationResult(json: Data("{".utf8)) }
        #expect(throws: LetheError.self) { try EvaluationResult(json: Data()) }
    }
}
