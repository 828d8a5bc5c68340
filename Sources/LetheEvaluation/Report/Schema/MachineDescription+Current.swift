import Foundation
import LetheTensor

extension MachineDescription {
    /// The machine that this runs on.
    public static var current: MachineDescription {
        func firstLine(_ path: String, _ key: String) -> String? {
            guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
            let line = text.split(separator: "\n").first { $0.hasPrefix(key) }
            return line?.drop { $0 != ":" && $0 != "=" }.dropFirst()
                .trimmingCharacters(in: CharacterSet(charactersIn: " \t\""))
        }
        return MachineDescription(
            processor: firstLine("/proc/cpuinfo", "model name") ?? "unknown", threads: Engine.threadCount,
            instructionSet: Engine.instructionSet, memoryBytes: Int(clamping: ProcessInfo.processInfo.physicalMemory),
            system: firstLine("/etc/os-release", "PRETTY_NAME")
                ?? ProcessInfo.processInfo.operatingSystemVersionString)
    }
}
