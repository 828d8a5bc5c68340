import Foundation
import LetheCore

extension DaemonClient {
    /// A model's generations, oldest first.
    public func generations(_ model: String) async throws -> JSONValue {
        try await call(.get, "/v1/models/\(try path(model))/generations")
    }

    /// Moves a model's head back to an earlier generation.
    public func rollback(_ model: String, to generation: Int) async throws -> JSONValue {
        let body = JSONValue.object(JSONObject([("generation", .integer(Int64(generation)))])).serialized()
        return try await call(
            .post, "/v1/models/\(try path(model))/rollback", headers: [("Content-Type", "application/json")], body: body
        )
    }

    private func path(_ model: String) throws -> String {
        guard ModelName.isValid(model) else { throw LetheError(.notFound, "no model has this name") }
        return model
    }
}
