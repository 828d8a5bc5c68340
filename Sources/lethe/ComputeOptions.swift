import ArgumentParser
import Foundation
import LetheModel
import LetheTensor

/// How a command keeps a model in memory and computes with it.
struct ComputeOptions: ParsableArguments {
    @Option(
        help: """
            float32, bfloat16 or auto: the inputs of matrix products. bfloat16 is faster and less exact; auto takes it \
            where the processor has it.
            """)
    var precision: PrecisionChoice = .float32

    @Option(
        help: """
            float32, bfloat16 or auto: how matrices that are not trained are kept in memory. auto keeps those that the \
            file has in bfloat16 as they are, when the model would take more than half of the memory in float32.
            """)
    var storage: WeightStorage = .automatic

    /// What the loader is told.
    /// - Throws: `unsupported` for bfloat16 products on a processor without them.
    func loading() throws -> ModelLoader.Options {
        ModelLoader.Options(storage: storage, precision: try precision.resolved())
    }
}

extension PrecisionChoice: ExpressibleByArgument {}
extension WeightStorage: ExpressibleByArgument {}
