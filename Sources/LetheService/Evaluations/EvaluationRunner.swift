import Foundation
import LetheCore
import LetheEvaluation
import LetheModel
import LetheStore
import LetheTensor

/// Runs one evaluation at a time, on a thread of its own.
actor EvaluationRunner {
    private let executor = EngineExecutor(name: "lethe.evaluations")
    private let encoder: URL?
    private let threads: Int?
    private let version: String

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// - Parameters:
    ///   - encoder: folder of a sentence encoder for the redundancy filter.
    ///   - threads: of the engine; nil leaves the number of processors.
    ///   - version: of this build, for the report.
    init(encoder: URL?, threads: Int?, version: String) {
        self.encoder = encoder
        self.threads = threads
        self.version = version
    }

    /// Runs to the end, or until `control` stops it; then the next run goes on at the last finished request.
    /// - Parameter model: the folder of the generation that is measured; nil for a model made on the spot.
    /// - Throws: CancellationError when it was stopped, what the benchmark throws.
    func run(_ row: EvaluationRow, model: URL?, folder: EvaluationFolder, control: EvaluationControl) throws {
        // A crash between the result and the record of it: nothing is left to do.
        guard !folder.hasResult else { return }
        if let threads { Engine.threadCount = threads }
        let (plan, base) = try EvaluationSpecification(stored: row.specification).plan(model: model)
        let benchmark = PCHBenchmark(
            plan: plan, base: base, encoder: try encoder.map { try SentenceEncoder($0) }, output: folder.url,
            cache: folder.cache, version: version)
        do {
            _ = try benchmark.run(.resume) { try control.report($0) }
        } catch let error as LetheError where error.code == .conflict {
            // Work of another version or number of threads cannot be continued.
            _ = try benchmark.run(.discard) { try control.report($0) }
        }
    }
}
