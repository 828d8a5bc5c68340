import Crypto
import Foundation
import LetheCore

/// The public half of an Ed25519 key (RFC 8032) with which evidence is checked.
public struct VerificationKey: Sendable, Hashable {
    /// The 32 bytes of the key.
    public let rawRepresentation: Data
    /// The first eight bytes of the SHA-256 of the key, in lower-case hexadecimal.
    public let keyID: String

    /// A key from its 32 bytes.
    /// - Throws: ``LetheError`` with code `bad_data` for another number of bytes.
    public init(rawRepresentation: Data) throws {
        guard rawRepresentation.count == 32 else { throw LetheError(.badData, "a public key has 32 bytes") }
        self.rawRepresentation = Data(rawRepresentation)
        keyID = Hexadecimal.string(SHA256.hash(data: rawRepresentation).prefix(8))
    }

    /// Keys as a person hands them over: the JSON of `GET /v1/keys/signing`, one JSON Web Key (RFC 8037), a PEM
    /// public key (RFC 8410), or the 64 hexadecimal digits that `lethe doctor` shows.
    /// - Throws: ``LetheError`` with code `bad_data` when it is none of them.
    public static func read(_ data: Data) throws -> [VerificationKey] {
        let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        if let raw = Hexadecimal.data(text), raw.count == 32 { return [try VerificationKey(rawRepresentation: raw)] }
        if text.hasPrefix("-----BEGIN PUBLIC KEY-----") { return [try pem(text)] }
        let json = try JSONParser.parse(data, context: "public key")
        if let keys = json["keys"]?.arrayValue {
            guard !keys.isEmpty else { throw LetheError(.badData, "public key: /keys is empty") }
            return try keys.map(VerificationKey.init(jwk:))
        }
        return [try VerificationKey(jwk: json)]
    }

    private init(jwk: JSONValue) throws {
        guard jwk["kty"]?.stringValue == "OKP", jwk["crv"]?.stringValue == "Ed25519",
            let text = jwk["x"]?.stringValue, let raw = Base64.strict(url: text)
        else { throw LetheError(.badData, "public key: not an Ed25519 JSON Web Key") }
        try self.init(rawRepresentation: raw)
        if let id = jwk["kid"]?.stringValue, id != keyID {
            throw LetheError(.badData, "public key: kid does not belong to the key")
        }
    }

    /// What comes before the key in its SubjectPublicKeyInfo (RFC 8410).
    private static let prefix = Data([0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00])

    private static func pem(_ text: String) throws -> VerificationKey {
        let body = text.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("-----") }.joined()
        guard let data = Base64.strict(body), data.count == prefix.count + 32, data.starts(with: prefix) else {
            throw LetheError(.badData, "public key: not an Ed25519 key in PEM")
        }
        return try VerificationKey(rawRepresentation: Data(data.dropFirst(prefix.count)))
    }

    /// The key as PEM, for other programs.
    public var pem: String {
        let body = (Self.prefix + rawRepresentation).base64EncodedString()
        return "-----BEGIN PUBLIC KEY-----\n\(body)\n-----END PUBLIC KEY-----\n"
    }

    /// The key in lower-case hexadecimal.
    public var hexadecimal: String { Hexadecimal.string(rawRepresentation) }

    /// The key as a JSON Web Key (RFC 8037).
    public var json: JSONValue {
        .object(
            JSONObject([
                ("kty", "OKP"), ("crv", "Ed25519"), ("x", .string(Base64.url(rawRepresentation))),
                ("kid", .string(keyID)), ("use", "sig"), ("alg", "EdDSA"),
            ]))
    }

    /// Whether `signature` is this key's for `message`.
    func isValid(_ signature: Data, for message: Data) -> Bool {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: rawRepresentation) else { return false }
        return key.isValidSignature(signature, for: message)
    }
}
