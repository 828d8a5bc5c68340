import Foundation
import LetheModel
import LetheTensor
import Synchronization

/// The head generation's weights, as the owner of the model shares them with those who only read.
///
/// An update never writes to weights that are shared: it gives the layers that it trains memory of their own first, so
/// what is handed out here stays what the head is until the next one is accepted.
final class ServedHead: Sendable {
    /// A model's weights at one generation.
    // Safe: neither the model nor the weights that it refers to are written to any more; who runs the model makes an
    // object of its own over them.
    struct Snapshot: @unchecked Sendable {
        let name: String
        let manifestDigest: Data
        /// Names the space of the vectors that the redundancy filter compares.
        let space: String
        private let model: LanguageModel
        private let original: LanguageModel

        /// Takes the weights that a model has now. Called by the owner of the model.
        /// - Parameter original: the model before any request.
        /// - Throws: `limit_exceeded`.
        init(
            name: String, manifestDigest: Data, model: LanguageModel, original: LanguageModel, space: String
        ) throws {
            self.name = name
            self.manifestDigest = manifestDigest
            self.space = space
            self.model = try model.sharing(model.decoder.weights)
            self.model.decoder.precision = .float32
            self.original = try original.sharing(original.decoder.weights)
        }

        /// A model of one's own over the shared weights.
        /// - Throws: `limit_exceeded`.
        func open() throws -> LanguageModel { try model.sharing(model.decoder.weights) }

        /// The same for the model before any request.
        /// - Throws: `limit_exceeded`.
        func openOriginal() throws -> LanguageModel { try original.sharing(original.decoder.weights) }
    }

    private let snapshot = Mutex<Snapshot?>(nil)

    var current: Snapshot? { snapshot.withLock { $0 } }

    func set(_ new: Snapshot?) { snapshot.withLock { $0 = new } }
}
