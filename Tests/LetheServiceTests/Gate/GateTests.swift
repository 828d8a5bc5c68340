import Foundation
import LetheCore
import LetheService
import LetheUnlearning
import Testing

/// The gate's rules, and what becomes of work that failed.
@Suite struct GateTests {
    /// A record like those of the demo: three items, two forgotten, one close to its target.
    private static func record(_ change: (inout UnlearningRecord) -> Void = { _ in }) -> UnlearningRecord {
        var record = UnlearningRecord()
        record.before.nll = 0.05
        record.after.nll = 5.5
        record.targets = [5, 5, 5]
        record.afterNLL = [6, 6, 4.5]
        record.keepBefore.nll = 0.036
        record.keepBefore.accuracy = 0.993
        record.keepAfter.nll = 0.134
        record.keepAfter.accuracy = 0.979
        change(&record)
        return record
    }

    private static let finding = RecoveryFinding(attempts: [.init(name: "quantize_int4", recoveredShare: 0.2)])

    private static func missed(
        _ record: UnlearningRecord, recovery: RecoveryFinding? = finding, policy: GatePolicy = GatePolicy()
    ) -> [String] {
        UpdateGate.verdict(record, recovery: recovery, policy: policy).checks.filter { !$0.isPassed }.map(\.name)
    }

    @Test func `an update that forgets and keeps passes`() {
        #expect(Self.missed(Self.record()) == [])
        #expect(UpdateGate.verdict(Self.record(), recovery: Self.finding, policy: GatePolicy()).isPassed)
    }

    @Test func `each threshold is a check of its own`() {
        #expect(Self.missed(Self.record { $0.after.nll = .nan }) == ["finite_losses", "forget_nll_rise"])
        #expect(Self.missed(Self.record { $0.after.nll = 0.05 }) == ["forget_nll_rise"])
        #expect(Self.missed(Self.record { $0.afterNLL[2] = 1.5 }) == ["forget_shortfall"])
        #expect(Self.missed(Self.record { $0.afterNLL = [] }) == ["forget_shortfall"])
        #expect(Self.missed(Self.record { $0.keepAfter.nll = 0.6 }) == ["keep_nll_rise"])
        #expect(Self.missed(Self.record { $0.keepAfter.accuracy = 0.8 }) == ["keep_accuracy_loss"])
        let back = RecoveryFinding(attempts: [
            .init(name: "quantize_int8", recoveredShare: 0), .init(name: "quantize_int4", recoveredShare: 0.9),
        ])
        #expect(Self.missed(Self.record(), recovery: back) == ["recovered_share"])
        // What is still improbable afterwards did not come back.
        let noise = RecoveryFinding(attempts: [.init(name: "quantize_int4", recoveredShare: 0.9, lowestNLL: 4)])
        #expect(Self.missed(Self.record(), recovery: noise) == [])
        let known = RecoveryFinding(attempts: [.init(name: "quantize_int4", recoveredShare: 0.9, lowestNLL: 0.5)])
        #expect(Self.missed(Self.record(), recovery: known) == ["recovered_share"])
        // A check that was asked for and did not run is no pass.
        #expect(Self.missed(Self.record(), recovery: nil) == ["recovered_share"])
        var policy = GatePolicy()
        policy.checksRecovery = false
        #expect(Self.missed(Self.record(), recovery: nil, policy: policy) == [])
    }

    @Test func `the item that was forgotten least decides`() {
        // Improbable enough, however far the target is.
        #expect(Self.missed(Self.record { ($0.targets, $0.afterNLL) = ([9, 9, 9], [2, 2, 2]) }) == [])
        #expect(Self.missed(Self.record { $0.afterNLL = [20, 20, 0.1] }) == ["forget_shortfall"])
        // Without targets the probability alone decides.
        #expect(Self.missed(Self.record { ($0.targets, $0.afterNLL) = ([], [2, 1.8]) }) == ["forget_shortfall"])
        #expect(Self.missed(Self.record { ($0.targets, $0.afterNLL) = ([], [2, 1.95]) }) == [])
        // A target that is itself low is reached within the tolerance.
        #expect(Self.missed(Self.record { ($0.targets, $0.afterNLL) = ([1.5], [0.6]) }) == [])
    }

    @Test func `a policy file is read strictly`() throws {
        let text = """
            {"forget":{"target_tolerance":0.5},"utility":{"maximum_keep_nll_rise":0.1},
             "recovery":{"enabled":false},"strengthen":{"attempts":1,"epochs_factor":3}}
            """
        let policy = try GatePolicy(json: JSONParser.parse(Data(text.utf8), context: "policy"))
        #expect(policy.targetTolerance == 0.5 && policy.maximumKeepRise == 0.1 && !policy.checksRecovery)
        #expect(policy.attempts == 1 && policy.epochsFactor == 3 && policy.maximumProbability == 0.15)
        #expect(try GatePolicy(json: policy.json) == policy)
        #expect(try GatePolicy(json: GatePolicy().json) == GatePolicy())
        for text in [
            "[]", #"{"forgot":{}}"#, #"{"forget":{"tolerance":1}}"#, #"{"forget":{"maximum_probability":1.5}}"#,
            #"{"strengthen":{"attempts":99}}"#, #"{"recovery":{"enabled":1}}"#, #"{"utility":3}"#,
        ] {
            #expect(throws: LetheError.self, "\(text)") {
                try GatePolicy(json: JSONParser.parse(Data(text.utf8), context: "policy"))
            }
        }
    }

    @Test func `another try is stronger where too little was forgotten, and gentler where only keep texts suffered`()
        throws
    {
        func missing(_ names: String...) -> GateVerdict {
            var verdict = GateVerdict()
            for name in ["forget_shortfall", "keep_nll_rise", "keep_accuracy_loss", "recovered_share"] {
                verdict.checks.append(
                    .init(name: name, value: names.contains(name) ? 2 : 0, limit: 1, isUpperLimit: true))
            }
            return verdict
        }
        let settings = try UnlearningSettings(RequestOptions())
        let policy = GatePolicy()
        for names in [missing("recovered_share"), missing("forget_shortfall", "keep_nll_rise")] {
            let next = policy.retry(settings, after: names)
            #expect(next.epochs == settings.epochs * 2)
            #expect(abs(next.learningRate - settings.learningRate * 1.5) < 1e-12)
        }
        let gentler = policy.retry(settings, after: missing("keep_nll_rise", "keep_accuracy_loss"))
        #expect(gentler.epochs == settings.epochs * 2)
        #expect(abs(gentler.learningRate - settings.learningRate / 1.5) < 1e-12)
        var often = settings
        for _ in 0..<60 { often = policy.retry(often, after: missing("recovered_share")) }
        #expect(often.epochs == 1000 && often.learningRate == 1)
    }

    @Test func `errors that may pass are tried again, but not for ever`() {
        for code in [LetheError.Code.diskFull, .ioError, .unavailable] {
            for attempt in 1..<RequestWorker.maximumAttempts {
                let delay = pow(2, Double(attempt)) * 5
                #expect(RequestWorker.disposition(of: code, attempt: attempt) == .retry(delay))
            }
            for attempt in [RequestWorker.maximumAttempts, 1000] {
                #expect(RequestWorker.disposition(of: code, attempt: attempt) == .fail)
            }
        }
        #expect(RequestWorker.disposition(of: .syncFailed, attempt: 1) == .stop)
        #expect(RequestWorker.disposition(of: .cancelled, attempt: 9) == .release)
        #expect(RequestWorker.disposition(of: .conflict, attempt: 1) == .releaseIfHeld)
        #expect(RequestWorker.disposition(of: .badData, attempt: 1) == .fail)
    }
}
