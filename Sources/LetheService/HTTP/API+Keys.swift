import Foundation
import HTTPTypes
import Hummingbird
import LetheCore
import LetheStore

extension API {
    var keyOperations: [Operation] {
        [
            Operation(.post, "/v1/keys", createKey),
            Operation(.get, "/v1/keys") { request, _ in
                _ = try QueryParameters(target: request.head.path ?? "", allowing: [])
                return .json(["data": .array(database.keys().map(\.json))])
            },
            Operation(.delete, "/v1/keys/{id}") { request, context in
                _ = try QueryParameters(target: request.head.path ?? "", allowing: [])
                try await request.requireNoBody(limits: limits)
                let id = context.parameters.get("id") ?? ""
                guard id != context.caller.keyID else {
                    throw Problem(
                        .conflict, "own_key", "a key does not revoke itself: use another one, or the data directory")
                }
                _ = try await database.revokeKey(id)
                return Response(status: .noContent)
            },
        ]
    }

    /// Makes a key. The answer is the only place where its text ever appears.
    @Sendable private func createKey(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try QueryParameters(target: request.head.path ?? "", allowing: [])
        let (json, _) = try await request.jsonBody(limits: limits)
        let new = try await Problem.validating { try NewAPIKey(json: json) }
        let maker: LetheDatabase.KeyMaker =
            switch context.caller {
            case .anybody: .anybody
            case .key(let row): .key(row)
            }
        do {
            let (row, token) = try await database.createKey(new, by: maker)
            var object = row.json.objectValue ?? JSONObject()
            object["key"] = .string(token.text.reveal())
            return .json(.object(object), status: .created)
        } catch let error as LetheError where error.code == .badData && error.message.hasPrefix("/") {
            throw Problem(invalid: error) ?? error
        }
    }
}
