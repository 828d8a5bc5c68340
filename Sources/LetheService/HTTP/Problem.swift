import Foundation
import HTTPTypes
import Hummingbird
import LetheCore
import LetheStore

/// An error answer: `application/problem+json` as RFC 9457 describes it, with a stable code and the request id.
///
/// Details name the field, the position and the limit. They never quote what the client sent.
struct Problem: Error, Sendable {
    /// One field that is wrong.
    struct FieldError: Sendable, Equatable {
        /// RFC 6901 pointer to the field.
        var pointer: String
        /// What is wrong with it.
        var detail: String
    }

    var status: HTTPResponse.Status
    /// Machine-readable and stable.
    var code: String
    /// For a person.
    var detail: String
    var errors: [FieldError] = []
    /// Headers that the status asks for, such as `Allow` and `Retry-After`.
    var headers: HTTPFields = [:]
    /// Members beside the standard ones, such as the state that forbade a transition.
    var members: [(String, JSONValue)] = []

    init(
        _ status: HTTPResponse.Status, _ code: String, _ detail: String, errors: [FieldError] = [],
        headers: HTTPFields = [:], members: [(String, JSONValue)] = []
    ) {
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors
        self.headers = headers
        self.members = members
    }

    /// The body's JSON object.
    func json(requestID: String) -> JSONValue {
        var object = JSONObject()
        object["type"] = .string("urn:lethe:problem:\(code)")
        object["title"] = .string(status.reasonPhrase.isEmpty ? "Error" : status.reasonPhrase)
        object["status"] = .integer(Int64(status.code))
        object["code"] = .string(code)
        object["detail"] = .string(detail)
        object["request_id"] = .string(requestID)
        if !errors.isEmpty {
            object["errors"] = .array(
                errors.map {
                    .object(JSONObject([("pointer", .string($0.pointer)), ("detail", .string($0.detail))]))
                })
        }
        for (name, value) in members { object[name] = value }
        return .object(object)
    }

    func response(requestID: String) -> Response {
        var response = Response.json(json(requestID: requestID), status: status, headers: headers)
        response.headers[.contentType] = "application/problem+json"
        return response
    }
}

extension Problem {
    static let notFound = Problem(.notFound, "not_found", "there is nothing at this address")

    static func badRequest(_ detail: String, code: String = "bad_request") -> Problem {
        Problem(.badRequest, code, detail)
    }

    /// The answer to an error of the layers below.
    ///
    /// - Returns: nil for an error that is a fault of the daemon, damaged files among them: the caller logs it and
    ///   answers 500.
    init?(_ error: LetheError) {
        let code = error.code.rawValue
        switch error.code {
        case .usage: self.init(.badRequest, code, error.message)
        case .notFound: self.init(.notFound, code, error.message)
        case .conflict, .invalidState: self.init(.conflict, code, error.message)
        case .forbidden: self.init(.forbidden, code, error.message)
        case .queueFull: self.init(.tooManyRequests, code, error.message, headers: [.retryAfter: "30"])
        case .unavailable, .cancelled:
            self.init(
                .serviceUnavailable, LetheError.Code.unavailable.rawValue, error.message, headers: [.retryAfter: "5"])
        case .diskFull:
            self.init(
                HTTPResponse.Status(code: 507, reasonPhrase: "Insufficient Storage"), code, "the disk is full",
                headers: [.retryAfter: "60"])
        default: return nil
        }
    }

    /// The answer to an error in what the caller sent: 422 with a pointer to the field.
    ///
    /// - Returns: nil when the error is about something else.
    init?(invalid error: LetheError) {
        switch error.code {
        case .badData, .limitExceeded, .unsupported, .missingInput, .usage:
            self.init(
                .unprocessableContent, error.code.rawValue, error.message, errors: Self.fieldErrors(error.message))
        default: return nil
        }
    }

    /// The field that a message of `FieldReader` begins with.
    private static func fieldErrors(_ message: String) -> [FieldError] {
        guard message.utf8.first == UInt8(ascii: "/"), let separator = message.range(of: ": ") else { return [] }
        let pointer = String(message[..<separator.lowerBound])
        return [FieldError(pointer: pointer == "/" ? "" : pointer, detail: String(message[separator.upperBound...]))]
    }
}

extension Response {
    /// A JSON answer.
    static func json(
        _ value: JSONValue, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
    ) -> Response {
        var headers = headers
        headers[.contentType] = "application/json"
        return Response(
            status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: value.serialized())))
    }
}
