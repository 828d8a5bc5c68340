import Foundation
import LetheCore
import LetheModel

/// What `lethe doctor --model` says of a model's files: whether they can be read, and whether what they compute is
/// finite.
enum ModelCheck {
    /// Bytes that an update takes beside the weights, as a multiple of them: the original beside the changed layers,
    /// gradients and moments.
    private static let memoryFactor = 3

    static func findings(_ url: URL) -> [DoctorFinding] {
        let model: LanguageModel
        do {
            model = try ModelLoader.load(url)
        } catch let error as LetheError {
            return [.problem("model_file", error.message)]
        } catch {
            return [.problem("model_file", "cannot be read")]
        }
        let configuration = model.configuration
        var findings = [
            DoctorFinding(
                name: "model_file",
                value: "\(configuration.modelType), \(configuration.layerCount) layers, "
                    + "\(model.parameterCount) parameters"
            )
        ]
        do {
            let ids = try model.encode("The quick brown fox jumps over the lazy dog.")
            let values = try model.tokenLogProbabilities(Array(ids.prefix(configuration.maximumPositions)))
            let isSane = !values.isEmpty && values.allSatisfy { $0.isFinite && $0 <= 0 }
            findings.append(
                isSane
                    ? DoctorFinding(name: "model_output", value: "finite")
                    : .problem("model_output", "not a number", "the weights are damaged, or made for something else"))
        } catch let error as LetheError {
            findings.append(.problem("model_output", error.message))
        } catch {
            findings.append(.problem("model_output", "cannot be computed"))
        }
        let (bytes, isOver) = model.parameterCount.multipliedReportingOverflow(by: 4 * memoryFactor)
        var memory = DoctorFinding(name: "model_update_bytes", value: "about \(isOver ? Int.max : bytes)")
        if isOver || UInt64(clamping: bytes) > ProcessInfo.processInfo.physicalMemory {
            memory.level = .warning
            memory.advice = "an update in float32 may not fit into this machine's memory; see --storage"
        }
        findings.append(memory)
        return findings
    }
}
