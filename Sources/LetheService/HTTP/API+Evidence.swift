import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import LetheCore
import LetheStore

extension API {
    /// Certificates, the keys that check them, and the head of the audit log.
    var evidenceOperations: [Operation] {
        [
            Operation(.get, "/v1/requests/{id}/certificate", certificate),
            Operation(.get, "/v1/signing-keys") { request, _ in
                _ = try QueryParameters(target: request.head.path ?? "", allowing: [])
                let keys = try await database.signingKeys().map { entry -> JSONValue in
                    var object = entry.key.json.objectValue ?? JSONObject()
                    object["current"] = .bool(entry.isCurrent)
                    object["added_at"] = .string(Timestamp.string(entry.addedAt))
                    return .object(object)
                }
                return .json(["keys": .array(keys)])
            },
            Operation(.get, "/v1/audit/head") { request, _ in
                _ = try QueryParameters(target: request.head.path ?? "", allowing: [])
                try await database.signAuditHead()
                guard let envelope = try await database.signedAuditHead() else {
                    throw Problem(.notFound, "not_found", "the audit log is empty")
                }
                return Self.document(envelope, type: "application/json", to: request)
            },
        ]
    }

    @Sendable private func certificate(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try QueryParameters(target: request.head.path ?? "", allowing: [])
        let row = try await row(context)
        do {
            let envelope = try await database.certificate(row.id)
            return Self.document(envelope, type: Certificate.mediaType, to: request)
        } catch let error as LetheError where error.code == .invalidState {
            throw Problem(
                .notFound, "certificate_not_issued", "the request is not applied, so there is no certificate",
                members: [("state", .string(row.state.rawValue))])
        }
    }

    /// A signed document with its entity tag and its Content-Digest (RFC 9530), or 304.
    private static func document(_ text: String, type: String, to request: Request) -> Response {
        let digest = Data(SHA256.hash(data: Data(text.utf8)))
        let tag = "\"\(digest.prefix(16).map { String(format: "%02x", $0) }.joined())\""
        if let condition = request.headers[.ifNoneMatch], EntityTag.matches(condition, tag, weakly: true) {
            return Response(status: .notModified, headers: [.eTag: tag])
        }
        return Response(
            status: .ok,
            headers: [
                .contentType: type, .eTag: tag, .contentDigest: "sha-256=:\(digest.base64EncodedString()):",
            ], body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}

extension HTTPField.Name {
    /// RFC 9530.
    fileprivate static let contentDigest = HTTPField.Name("Content-Digest")!
}
