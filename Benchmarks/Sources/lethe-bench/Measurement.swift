import Foundation
import LetheCore
import LetheTensor

#if canImport(Glibc)
    import Glibc
#endif

/// Several timings of one thing.
struct Measurement {
    private(set) var values: [Double] = []

    /// Runs `body` some times over, the first `warmUp` uncounted.
    init(runs: Int, warmUp: Int = 1, _ body: () throws -> Void) rethrows {
        for run in 0..<warmUp + runs {
            let start = DispatchTime.now().uptimeNanoseconds
            try body()
            if run >= warmUp { values.append(Double(DispatchTime.now().uptimeNanoseconds - start) * 1e-9) }
        }
    }

    init(_ values: [Double]) { self.values = values }

    var median: Double {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return .nan }
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    var json: JSONValue {
        .object(
            JSONObject([
                ("median", .number(median)), ("least", .number(values.min() ?? .nan)),
                ("greatest", .number(values.max() ?? .nan)), ("values", .array(values.map { .number($0) })),
            ]))
    }

    /// The process's largest resident size so far, in bytes.
    static var peakResidentBytes: Int {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss * 1024
    }

    /// What every result carries.
    static func emit(_ name: String, _ fields: [(String, JSONValue)]) {
        let machine: [(String, JSONValue)] = [
            ("benchmark", .string(name)), ("engine", .string("lethe")),
            ("threads", .integer(Int64(Engine.threadCount))),
            ("instruction_set", .string(Engine.instructionSet)), ("onednn", .string(Engine.libraryVersion)),
            ("peak_resident_bytes", .integer(Int64(peakResidentBytes))),
        ]
        let line = JSONValue.object(JSONObject(machine + fields)).serialized() + Data("\n".utf8)
        FileHandle.standardOutput.write(line)
    }
}
