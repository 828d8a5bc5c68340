import ArgumentParser
import Foundation
import LetheCore
import LetheEvaluation

/// What all attacks take.
struct AttackOptions: ParsableArguments {
    @OptionGroup var model: ModelOptions
    @Option(help: "The model before any deletion; given as --model is.")
    var original: String
    @Option(help: "A model that never saw the deleted texts; given as --model is. Without it nothing is compared.")
    var retain: String?
    @Option(help: "A PCH folder: forget.json are the deleted texts, retain.json the kept ones.")
    var data: String
    @Option(help: "JSON Lines of the deleted texts, in place of the folder's forget.json.")
    var deleted: String?
    @Option(help: "Take only this many of the deleted and of the kept texts, each category in its share.")
    var limit: Int?
    @Option(help: "Write result.json, report.md and report.html into this folder; must not exist.")
    var out: String?
    @Option(help: "Seed of every random choice.")
    var seed: UInt64 = 0
    @Flag(help: "Write result.json to standard output, in place of the tables.")
    var json = false

    func validate() throws {
        if let limit, !(1...1_000_000).contains(limit) { throw ValidationError("--limit must be from 1 to 1000000") }
    }
}

/// The gate of the attacks that have a recovered share.
struct RecoveryGate: ParsableArguments {
    @Option(help: "Exit with status 1 when any variant recovers more than this share of the gap, such as 0.05.")
    var failAbove: Double?

    @Flag(help: "For --fail-above, count only what comes back beyond what the retain model gains.")
    var beyondRetain = false

    func validate() throws {
        if let failAbove, !(failAbove >= 0 && failAbove <= 1000) {
            throw ValidationError("--fail-above must be a share, 0 or more")
        }
        if beyondRetain, failAbove == nil { throw ValidationError("--beyond-retain goes with --fail-above") }
    }

    /// What counts of a result; nil where there was nothing to recover.
    func share(of result: AttackResult) -> Double? {
        guard beyondRetain else { return result.recovered }
        return result.recovered.map { $0 - max(0, result.retainRecovered ?? 0) }
    }
}

/// Lists of numbers such as `0.1,0.2`.
enum NumberList {
    /// - Throws: a usage error for anything else, or more than 32 numbers.
    static func parse<Number: LosslessStringConvertible>(_ text: String, _ option: String) throws -> [Number] {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { Number(String($0)) }
        guard numbers.count == parts.count, numbers.count <= 32 else {
            throw ValidationError("\(option) must be a list of numbers, such as 1,2")
        }
        return numbers
    }
}
