import Foundation
import HTTPTypes
import Hummingbird
import LetheCore
import LetheStore

extension API {
    var modelOperations: [Operation] {
        [
            Operation(.get, "/v1/models") { request, _ in
                _ = try QueryParameters(target: request.head.path ?? "", allowing: [])
                return .json(["data": .array(try await database.models().map(\.json))])
            },
            Operation(.get, "/v1/models/{name}/generations") { request, context in
                _ = try QueryParameters(target: request.head.path ?? "", allowing: [])
                let name = try modelName(context)
                return .json(["data": .array(try await database.generations(name).map(\.json))])
            },
            Operation(.post, "/v1/models/{name}/rollback", rollBack),
        ]
    }

    @Sendable private func rollBack(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try QueryParameters(target: request.head.path ?? "", allowing: [])
        let name = try modelName(context)
        let (json, _) = try await request.jsonBody(limits: limits)
        let number = try await Problem.validating {
            let body = try FieldReader(json, pointer: "")
            try body.allowOnly(["generation"])
            return try body.required(body.integer("generation", in: 0...Int(Int32.max)), "generation")
        }
        _ = try await database.rollback(name, to: number)
        models.headMoved(model: name)
        return .json(try await database.model(name).json)
    }

    /// The model that the path names.
    /// - Throws: ``Problem`` with status 404 for what cannot be a name; whether it exists is for the store to say.
    private func modelName(_ context: APIContext) throws -> String {
        guard let name = context.parameters.get("name"), ModelName.isValid(name) else {
            throw Problem(.notFound, "not_found", "there is no such model")
        }
        return name
    }
}
