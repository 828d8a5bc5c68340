import Foundation
import LetheStore
import LetheTensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What `lethe doctor` says of the machine.
enum MachineCheck {
    static func findings() -> [DoctorFinding] {
        [DoctorFinding(name: "version", value: ProductVersion.current)] + processor() + memory() + libraries()
            + [coreDumps(), clock()]
    }

    // MARK: Processor

    /// Features that the engine's kernels are made for, in the words of /proc/cpuinfo.
    private static let features = [
        "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_bf16", "amx_int8",
    ]

    private static func processor() -> [DoctorFinding] {
        let count = ProcessInfo.processInfo.activeProcessorCount
        let flags = Set(
            text("/proc/cpuinfo").split(separator: "\n").first { $0.hasPrefix("flags") }?
                .split(separator: " ").map(String.init) ?? [])
        let present = features.filter(flags.contains)
        var isa = DoctorFinding(name: "cpu_features", value: present.isEmpty ? "none" : present.joined(separator: " "))
        if !flags.isEmpty, !flags.contains("avx2") {
            isa.level = .warning
            isa.advice = "without AVX2 every update takes several times as long"
        }
        let policy = variable("OMP_WAIT_POLICY") ?? "not set"
        var openmp = DoctorFinding(name: "openmp", value: "wait policy \(policy)")
        if policy.lowercased() != "passive" {
            openmp.level = .warning
            openmp.advice = "idle threads of the engine spin; OMP_WAIT_POLICY=passive lets them sleep"
        }
        if let threads = variable("OMP_NUM_THREADS") {
            openmp.value += ", threads \(threads)"
            if let number = Int(threads), number < count {
                openmp.level = .warning
                openmp.advice = "OMP_NUM_THREADS leaves \(count - number) of \(count) processors idle"
            }
        }
        return [
            DoctorFinding(name: "processors", value: "\(count)"), isa,
            DoctorFinding(name: "threads", value: "\(Engine.threadCount)"), openmp,
        ]
    }

    // MARK: Memory

    /// With less than this, not even a small model can be updated.
    private static let leastMemory = 1 << 30

    private static func memory() -> [DoctorFinding] {
        var findings = [
            DoctorFinding(name: "memory_bytes", value: "\(ProcessInfo.processInfo.physicalMemory)")
        ]
        let line = text("/proc/meminfo").split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
        if let kibibytes = line?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) {
            var finding = DoctorFinding(name: "memory_available_bytes", value: "\(kibibytes << 10)")
            if kibibytes << 10 < leastMemory {
                finding.level = .warning
                finding.advice = "an update of a model with 135 million parameters takes about 2 GB"
            }
            findings.append(finding)
        }
        let limits = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
        if let limit = limits.lazy.compactMap({ Int(text($0).trimmingCharacters(in: .whitespacesAndNewlines)) }).first,
            limit < Int(clamping: ProcessInfo.processInfo.physicalMemory)
        {
            var finding = DoctorFinding(name: "memory_limit_bytes", value: "\(limit)")
            if limit < leastMemory {
                finding.level = .warning
                finding.advice = "the control group allows less than an update takes; the kernel would end the daemon"
            }
            findings.append(finding)
        }
        return findings
    }

    // MARK: Libraries

    private static func libraries() -> [DoctorFinding] {
        var sqlite = DoctorFinding(name: "sqlite", value: LetheDatabase.sqliteVersion)
        if let version = SQLiteVersion(sqlite.value) {
            if version.hasLogResetBug {
                sqlite.advice =
                    "has the WAL-reset bug that SQLite 3.51.3 mended; Lethe is safe from it, because one connection "
                    + "makes every write and every checkpoint. Let no other program write to lethe.sqlite."
            }
        } else {
            sqlite = .problem("sqlite", sqlite.value, "the version of the SQLite library cannot be read")
        }
        return [
            DoctorFinding(name: "onednn", value: Engine.libraryVersion),
            DoctorFinding(name: "instruction_set", value: Engine.instructionSet),
            DoctorFinding(name: "bfloat16", value: Engine.hasBFloat16 ? "yes" : "no"), sqlite,
        ]
    }

    // MARK: Core dumps and clock

    private static func coreDumps() -> DoctorFinding {
        let pattern = text("/proc/sys/kernel/core_pattern").trimmingCharacters(in: .whitespacesAndNewlines)
        let isPiped = pattern.hasPrefix("|")
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit) == 0, limit.rlim_cur <= 1 else {
            return .problem(
                "core_dumps", "on", "a dump would hold request text and weights; set the limit of core files to 0")
        }
        // The kernel heeds a limit of 1 for programs that take dumps, and no other.
        if isPiped, limit.rlim_cur == 0 {
            return .warning(
                "core_dumps", "off, as far as the program that takes dumps heeds the limit",
                "the kernel hands dumps to a program whatever the limit is; see Docs/operations.md")
        }
        return DoctorFinding(name: "core_dumps", value: "off")
    }

    /// No clock that is right shows less: the year of this release.
    private static let earliest = Date(timeIntervalSince1970: 1_767_225_600)

    private static func clock() -> DoctorFinding {
        let now = Date()
        let text = ISO8601DateFormatter().string(from: now)
        guard now > earliest, now < earliest.addingTimeInterval(100 * 365 * 86_400) else {
            return .problem("clock", text, "deadlines and certificates need the right time; set the clock")
        }
        return DoctorFinding(name: "clock", value: text)
    }

    // MARK: Reading

    private static func text(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }

    private static func variable(_ name: String) -> String? {
        ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }
}
