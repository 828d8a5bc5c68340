import Foundation
import LetheCore
import LetheCorpus
import LetheEvaluation
import LetheModel
import LetheTestSupport
import Testing

/// Real runs on a tiny model: the controls, determinism, interruption and resumption.
@Suite(.serialized) struct PCHBenchmarkTests {
    private struct Interruption: Error {}

    private func checkpoints(_ result: EvaluationResult, _ method: String) throws -> [CheckpointResult] {
        try #require(result.methods.first { $0.name == method }?.runs.first).checkpoints
    }

    @Test func `the controls tell a sound benchmark, and the same seed gives the same result`() throws {
        try TemporaryFolder.with { folder in
            let plan = try BenchmarkFixture.plan(methods: ["fit", "npo:epochs=1"], seeds: [20, 30])
            let result = try BenchmarkFixture.benchmark(plan, folder).run()
            #expect(result.methods.map(\.name) == ["fit", "npo:epochs=1", "no-op", "retain-model", "ga"])
            #expect(result.methods.map(\.role) == [.method, .method, .control, .control, .control])
            #expect(result.seeds == [20, 30])

            for checkpoint in try checkpoints(result, "retain-model") {
                #expect(abs(checkpoint.forgetDegree.exact - 1) < 1e-6)
                #expect(abs(checkpoint.retainUtility.exact - 1) < 1e-6)
                for category in checkpoint.categories {
                    #expect(category.forgetDegree.map { abs($0 - 1) < 1e-6 } ?? true)
                    #expect(category.retainUtility.map { abs($0 - 1) < 1e-6 } ?? false)
                }
            }
            // No-op by hand, at the end, where the sets are the whole sets.
            let original = try #require(result.baselines.first { $0.name == "original" })
            let retain = try #require(result.baselines.first { $0.name == "retain" })
            let noOp = try #require(try checkpoints(result, "no-op").last)
            let forgetDegree = max(0, 1 - abs(original.forget.aggregate / retain.forget.aggregate - 1))
            let retainUtility = max(0, 1 - abs(original.retain.aggregate / retain.retain.aggregate - 1))
            #expect(abs(noOp.forgetDegree.exact - forgetDegree) < 1e-6)
            #expect(abs(noOp.retainUtility.exact - retainUtility) < 1e-6)
            #expect(abs(noOp.reference.interpolated.forget - noOp.reference.exact.forget) < 1e-4)
            // The early interpolated reference lies between the two models, by the share.
            let first = try #require(try checkpoints(result, "no-op").first)
            let expected =
                original.forget.aggregate + (retain.forget.aggregate - original.forget.aggregate) * first.share
            #expect(abs(first.reference.interpolated.forget - expected) < 1e-9)

            // The teaching worked, or none of this says anything.
            #expect(original.forget.probability > 0.8 && original.retain.probability > 0.8)
            #expect(retain.forget.probability < 0.5 * original.forget.probability)
            // Deleting did something.
            let fit = try #require(try checkpoints(result, "fit").last)
            #expect(fit.forget.probability < 0.7 * original.forget.probability)
            #expect(fit.remaining == nil && first.remaining != nil)
            #expect(fit.retainGroups?.map(\.group) == ["given", "unseen"])
            #expect(fit.deleted == 6 && fit.share == 1)

            let requests = result.requests.filter { $0.method == "fit" && $0.seed == 20 }
            #expect(requests.map(\.position) == [1, 2, 3, 4, 5, 6])
            // A later text of a tiny model may be forgotten with an earlier one.
            #expect(requests.first?.steps ?? 0 > 0)
            #expect(requests.allSatisfy { $0.seconds > 0 && $0.objective == "level" })
            #expect(result.requests.count == 6 * 3 * 2)

            let output = folder.appendingPathComponent("out")
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: output.path).sorted()
                    == ["report.html", "report.md", "result.json"])
            #expect(try ReportWriter.read(output) == result)
            let again = try BenchmarkFixture.benchmark(plan, folder).run()
            #expect(again.withoutTimes == result.withoutTimes)
            // A result holds no text.
            let document = String(decoding: try result.json(), as: UTF8.self)
            for item in plan.data.forget + plan.data.retain {
                #expect(!document.contains(item.text) && !document.contains(item.pairs[0].answer))
            }
        }
    }

    @Test func `a run that is interrupted again and again gives the result of one that is not`() throws {
        try TemporaryFolder.with { folder in
            let plan = try BenchmarkFixture.plan(methods: ["fit", "fit-published"])
            let straight = folder.appendingPathComponent("straight")
            let whole = try BenchmarkFixture.benchmark(plan, straight).run()

            let broken = folder.appendingPathComponent("broken")
            try FileManager.default.createDirectory(at: broken, withIntermediateDirectories: true)
            var finished: EvaluationResult?
            var phases: Set<String> = []
            var interruptions = 0
            while finished == nil {
                // Each attempt is stopped in the middle of the first piece of work of a phase not seen before.
                var isStopping = false
                do {
                    finished = try BenchmarkFixture.benchmark(plan, broken).run { progress in
                        if isStopping, progress.share > 0 { throw Interruption() }
                        isStopping = phases.insert(progress.phase).inserted || isStopping
                    }
                } catch is Interruption {
                    interruptions += 1
                }
                try #require(interruptions < 100)
            }
            #expect(interruptions > 10)
            #expect(phases.contains("fit, seed 20: request 2 of 6"))
            #expect(try #require(finished).withoutTimes == whole.withoutTimes)
        }
    }

    @Test func `unfinished work is taken up by its own plan only`() throws {
        try TemporaryFolder.with { folder in
            let plan = try BenchmarkFixture.plan()
            #expect(throws: Interruption.self) {
                try BenchmarkFixture.benchmark(plan, folder).run { progress in
                    if progress.phase.hasPrefix("fit") { throw Interruption() }
                }
            }
            let work = folder.appendingPathComponent("out/work")
            let names = try FileManager.default.subpathsOfDirectory(atPath: work.path)
            #expect(names.contains("plan.json") && names.contains("retain.json"))
            for name in names where name.hasSuffix(".json") {
                let content = try String(contentsOf: work.appendingPathComponent(name), encoding: .utf8)
                #expect(!content.contains("Elm Row") && !content.contains("tide"), "\(name)")
            }
            var other = plan
            other.keepShare = 0
            let benchmark = try BenchmarkFixture.benchmark(other, folder)
            let error = #expect(throws: LetheError.self) { try benchmark.run() }
            #expect(error?.code == .conflict)
            var reached = false
            #expect(throws: Interruption.self) {
                try benchmark.run(.discard) { progress in
                    reached = reached || progress.phase.hasPrefix("measuring")
                    if progress.phase.hasPrefix("fit") { throw Interruption() }
                }
            }
            #expect(reached)
        }
    }

    @Test func `taught models are made once, and a damaged one is made again`() throws {
        try TemporaryFolder.with { folder in
            let plan = try BenchmarkFixture.plan()
            let base = try BenchmarkFixture.tiny.make(for: plan.data)
            var recipe = plan.recipe
            recipe.epochs = 2
            let taught = TaughtModels(
                base: base, baseDigest: try base.contentDigest(), recipe: recipe, cache: folder)
            var steps = 0
            let first = try taught.model(plan.data.retain) { _ in steps += 1 }
            #expect(steps > 0)
            let digest = try first.contentDigest()
            #expect(digest != (try base.contentDigest()))
            #expect(try taught.model(plan.data.retain) { _ in throw Interruption() }.contentDigest() == digest)
            let entry = try #require(try FileManager.default.contentsOfDirectory(atPath: folder.path).first)
            try Data("{".utf8).write(to: folder.appendingPathComponent(entry).appendingPathComponent("config.json"))
            #expect(try taught.model(plan.data.retain).contentDigest() == digest)
            // Other texts, or another recipe, are another entry; stopping leaves none.
            #expect(throws: Interruption.self) {
                try taught.model(plan.data.forget) { _ in throw Interruption() }
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [entry])
            recipe.seed += 1
            _ = try TaughtModels(base: base, baseDigest: base.contentDigest(), recipe: recipe, cache: folder)
                .model(plan.data.retain)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 2)
        }
    }

    @Test func `a model retrained without the deleted texts is the retain model at the end`() throws {
        try TemporaryFolder.with { folder in
            var plan = try BenchmarkFixture.plan(methods: [])
            plan.retrains = true
            plan.recipe.epochs = 20
            let result = try BenchmarkFixture.benchmark(plan, folder).run()
            let points = try checkpoints(result, "retain-model")
            let last = try #require(points.last)
            #expect(abs(try #require(last.forgetDegree.retrained) - 1) < 1e-6)
            #expect(last.reference.retrained == last.reference.exact)
            #expect(points.first?.reference.retrained != points.first?.reference.exact)
        }
    }
}
