import Foundation
import HTTPTypes
import Hummingbird
import LetheCore
import LetheModel
import ServiceLifecycle

extension API {
    /// What outside harnesses measure the models through.
    var completionOperations: [Operation] {
        [Operation(.post, "/v1/completions", complete)]
    }

    @Sendable private func complete(_ request: Request, _ context: APIContext) async throws -> Response {
        do {
            _ = try QueryParameters(target: request.head.path ?? "", allowing: [])
            let (json, _) = try await request.jsonBody(limits: limits)
            let completion = try CompletionRequest(json: json)
            let response = try await context.presence.cancelWhenGone {
                try await cancelWhenGracefulShutdown { try await models.complete(completion) }
            }
            return .json(
                response.json(
                    id: "cmpl-\(UUID().uuidString.lowercased())", created: clock.now(),
                    withLogProbabilities: completion.completer.alternatives != nil))
        } catch let problem as Problem {
            throw problem.forCompletions
        } catch let error as LetheError {
            guard let problem = Problem(invalid: error) ?? Problem(error) else { throw error }
            throw problem.forCompletions
        }
    }
}

extension Problem {
    /// The same with the member `error` that clients of the OpenAI API show, and status 400, which they know, for a
    /// field that is wrong.
    fileprivate var forCompletions: Problem {
        var problem = self
        if status == .unprocessableContent { problem.status = .badRequest }
        let isClients = problem.status.code < 500
        problem.members.append(
            (
                "error",
                [
                    "message": .string(detail), "type": .string(isClients ? "invalid_request_error" : "server_error"),
                    "param": errors.first.map { .string(String($0.pointer.dropFirst())) } ?? .null,
                    "code": .string(code),
                ]
            ))
        return problem
    }
}
