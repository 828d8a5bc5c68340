import Foundation
import HTTPTypes
import Hummingbird
import LetheCore
import NIOCore

/// The body of a request took longer than its limit.
struct RequestBodyTimeout: Error {}

/// The connection broke while a body was read, or the body was not valid HTTP.
struct RequestBodyError: Error {}

extension Request {
    /// The whole body.
    ///
    /// - Throws: ``Problem`` with status 413 as soon as more than `limit` bytes are announced or have arrived,
    ///   ``RequestBodyTimeout``, ``RequestBodyError``.
    func bytes(limit: Int) async throws -> Data {
        let tooLarge = Problem(.contentTooLarge, "body_too_large", "the limit of the body is \(limit) bytes")
        if let announced = headers[.contentLength] {
            guard let length = QueryParameters.decimal(announced), length <= limit else { throw tooLarge }
        }
        var data = Data()
        do {
            for try await buffer in body {
                guard buffer.readableBytes <= limit - data.count else { throw tooLarge }
                data.append(contentsOf: buffer.readableBytesView)
            }
        } catch let error where !(error is Problem || error is RequestBodyTimeout || error is CancellationError) {
            throw RequestBodyError()
        }
        return data
    }

    /// The body as one JSON value, with the bytes it was read from.
    ///
    /// - Throws: ``Problem``: 415 for another media type than JSON, 413 for too many bytes, 400 for what is not JSON.
    func jsonBody(limits: HTTPLimits) async throws -> (json: JSONValue, bytes: Data) {
        guard let contentType = headers[.contentType], Self.isJSON(contentType) else {
            throw Problem(
                .unsupportedMediaType, "unsupported_media_type", "the Content-Type has to be application/json")
        }
        let data = try await bytes(limit: limits.bodyBytes)
        do {
            let json = try JSONParser.parse(
                data,
                limits: JSONParser.Limits(
                    maximumBytes: limits.bodyBytes, maximumDepth: limits.jsonDepth,
                    maximumElements: limits.jsonElements),
                context: "body")
            return (json, data)
        } catch let error as LetheError {
            throw Problem(.badRequest, error.code.rawValue, error.message)
        }
    }

    /// Checks that there is no body, or an empty object, for operations that take none.
    func requireNoBody(limits: HTTPLimits) async throws {
        let data = try await bytes(limit: limits.bodyBytes)
        guard data.isEmpty || (try? JSONParser.parse(data, context: "body")) == .object(JSONObject()) else {
            throw Problem.badRequest("this operation takes no body")
        }
    }

    /// `application/json`, with nothing but a UTF-8 charset as parameter.
    static func isJSON(_ contentType: String) -> Bool {
        if contentType == "application/json" { return true }
        let parts = contentType.lowercased().split(separator: ";", omittingEmptySubsequences: false)
            .map { $0.trimmingCharacters(in: .whitespaces) }
        guard parts[0] == "application/json" else { return false }
        return parts.dropFirst().allSatisfy { $0.isEmpty || $0 == "charset=utf-8" || $0 == "charset=\"utf-8\"" }
    }
}
