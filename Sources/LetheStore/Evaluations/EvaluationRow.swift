import Foundation
import LetheCore

/// One evaluation as the store knows it.
public struct EvaluationRow: Sendable {
    /// Its name.
    public let id: EvaluationID
    /// What is run.
    public let specification: JSONValue
    /// The model and the generation that are measured; nil for a model that is made on the spot.
    public let model: (name: String, generation: GenerationRow)?
    /// Where it stands.
    public let state: EvaluationState
    /// How often the worker took it up.
    public let runs: Int
    /// The latest progress.
    public let progress: JSONValue?
    /// Why it failed.
    public let error: (code: String, message: String)?
    /// When it was accepted.
    public let createdAt: Date
    /// When anything of it last changed.
    public let updatedAt: Date
    /// When it was first taken up.
    public let startedAt: Date?
    /// When it ended.
    public let finalizedAt: Date?

    /// The object of the API.
    public var json: JSONValue {
        func time(_ date: Date?) -> JSONValue { date.map { .string(Timestamp.string($0)) } ?? .null }
        return [
            "id": .string(id.rawValue), "state": .string(state.rawValue), "specification": specification,
            "model": model.map { .string($0.name) } ?? .null,
            "generation": model.map { .integer(Int64($0.generation.number)) } ?? .null,
            "runs": .integer(Int64(runs)), "progress": progress ?? .null,
            "error": error.map { ["code": .string($0.code), "message": .string($0.message)] } ?? .null,
            "created_at": time(createdAt), "updated_at": time(updatedAt), "started_at": time(startedAt),
            "finalized_at": time(finalizedAt),
        ]
    }
}
