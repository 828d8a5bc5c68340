import LetheCore
import LetheEvaluation
import LetheUnlearning
import Testing

/// How methods are named and modified.
@Suite struct BenchmarkMethodTests {
    private func settings(_ name: String) throws -> [String: String] { try BenchmarkMethod(name).settings() }

    @Test func `every base name is a method`() throws {
        for name in BenchmarkMethod.baseNames { #expect(try BenchmarkMethod(name).name == name) }
        #expect(Set(BenchmarkMethod.baseNames).count == 2 + ForgetObjectives.names.count)
    }

    @Test func `an objective alone has nothing of the presets around it`() throws {
        for name in ForgetObjectives.names {
            let settings = try settings(name)
            #expect(settings["objective"] == name)
            #expect(settings["layers"] == "all" && settings["reweighting"] == "none")
            #expect(settings["stop_rule"] == "off" && settings["filter"] == "off")
            let keep = ["rmu": "rmu", "pdu": "pdu"][name] ?? "none"
            #expect(settings["keep_term"] == keep)
        }
    }

    @Test func `modifiers change one thing each`() throws {
        let plain = try settings("fit")
        let cases: [(String, String, String)] = [
            ("no-filter", "filter", "off"), ("no-targeting", "layers", "all"),
            ("no-stop", "stop_rule", "off"), ("no-keep", "keep_term", "none"), ("epochs=3", "epochs", "3"),
            ("learning-rate=0.5", "learning_rate", "0.5"), ("layers=2", "layers", "2 by exact"),
            ("layers=all", "layers", "all"), ("keep-weight=2", "keep_weight", "2.0"),
            ("keep-term=kl", "keep_term", "kl"), ("keep-sequences=9", "keep_sequences", "9"),
            ("reweighting=simsat", "reweighting", "simSat(beta: 5.0)"),
            ("no-reweighting", "reweighting", "none"), ("optimizer=adamw", "optimizer", "adamw"),
            ("targeting=gradient", "layers", "8 by gradient"), ("window=77", "window", "77"),
        ]
        for (modifier, key, value) in cases {
            let changed = try settings("fit:\(modifier)")
            #expect(changed[key] == value, "\(modifier)")
            #expect(changed.filter { $0.key != key } == plain.filter { $0.key != key }, "\(modifier)")
        }
        // Another objective comes with the optimiser that it needs.
        let npo = try settings("fit:method=npo")
        #expect(npo["objective"] == "npo" && npo["optimizer"] == "adamw" && npo["keep_term"] == "gd")
        #expect(throws: LetheError.self) { try BenchmarkMethod("fit:weight-decay=0.1") }
        let published = try settings("fit-published:no-importance")
        #expect(published["objective"] == "npo" && published["keep_term"] == "kl-published")
        let both = try BenchmarkMethod("fit:no-filter:epochs=2")
        #expect(both.settings()["filter"] == "off" && both.settings()["epochs"] == "2")
        #expect(both.label.contains("no-filter, epochs=2"))
    }

    @Test(arguments: [
        "", "fit:", "magic", "fit:no-magic", "fit:epochs", "fit:epochs=", "fit:epochs=0", "fit:epochs=1e3",
        "fit:learning-rate=nan", "fit:learning-rate=inf", "fit:learning-rate=2", "fit:layers=-1", "fit:layers=some",
        "fit:keep-term=rmu", "fit:keep-weight=-1", "fit:reweighting=heavy", "fit:method=magic", "fit:targeting=left",
        "fit:window=99999999999999999999", "fit:=", "FIT", "fit:output-damping=0", "fit-published:no-output-damping",
    ])
    func `what is not known is refused`(name: String) {
        let error = #expect(throws: LetheError.self) { try BenchmarkMethod(name) }
        #expect(error?.code == .usage)
    }
}
