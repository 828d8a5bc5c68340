import Foundation
import LetheCore

/// A DSSE envelope (Dead Simple Signing Envelope, version 1.0.2) with one Ed25519 signature.
///
/// What is signed is DSSE's pre-authentication encoding of type and payload, so that a payload cannot be taken for one
/// of another type.
public struct SignedEnvelope: Sendable, Equatable {
    /// What the payload is.
    public let payloadType: String
    /// The signed bytes.
    public let payload: Data
    /// Names the key.
    public let keyID: String
    /// 64 bytes.
    public let signature: Data

    /// Signs a payload.
    init(_ payload: Data, type: String, key: SigningKey) throws {
        payloadType = type
        self.payload = payload
        keyID = key.verification.keyID
        signature = try key.sign(Self.encoding(type: type, payload: payload))
    }

    /// Reads an envelope. Nothing is tolerated that could be changed without being noticed: unknown members, other
    /// than one signature, base64 that is not canonical.
    /// - Throws: ``LetheError`` with code `verification_failed`.
    public init(_ data: Data) throws {
        func invalid(_ what: String) -> LetheError { LetheError(.verificationFailed, "envelope: \(what)") }
        guard let json = try? JSONParser.parse(data, limits: .modelFile, context: "envelope") else {
            throw invalid("is not JSON")
        }
        guard let object = json.objectValue, Set(object.keys) == ["payload", "payloadType", "signatures"] else {
            throw invalid("needs payload, payloadType and signatures, and nothing else")
        }
        guard let type = object["payloadType"]?.stringValue else { throw invalid("/payloadType is not a string") }
        guard let payload = object["payload"]?.stringValue.flatMap({ Base64.strict($0) }) else {
            throw invalid("/payload is not base64")
        }
        guard let signatures = object["signatures"]?.arrayValue, signatures.count == 1,
            let entry = signatures[0].objectValue, Set(entry.keys) == ["keyid", "sig"],
            let keyID = entry["keyid"]?.stringValue,
            let signature = entry["sig"]?.stringValue.flatMap({ Base64.strict($0) })
        else { throw invalid("/signatures needs exactly one entry with keyid and sig") }
        payloadType = type
        self.payload = payload
        self.keyID = keyID
        self.signature = signature
    }

    /// Checks the signature with the key that the envelope names.
    /// - Throws: ``LetheError`` with code `verification_failed` when that key is not among `keys`, or when the payload,
    ///   its type or the signature was changed.
    @discardableResult
    public func verify(_ keys: [VerificationKey]) throws -> VerificationKey {
        guard let key = keys.first(where: { $0.keyID.utf8.elementsEqual(keyID.utf8) }) else {
            throw LetheError(.verificationFailed, "signed with another key than the given one")
        }
        guard key.isValid(signature, for: Self.encoding(type: payloadType, payload: payload)) else {
            throw LetheError(.verificationFailed, "the signature is not valid: the document was changed")
        }
        return key
    }

    /// The document, on one line.
    public var text: String {
        JSONValue.object(
            JSONObject([
                ("payload", .string(payload.base64EncodedString())), ("payloadType", .string(payloadType)),
                (
                    "signatures",
                    [
                        .object(
                            JSONObject([
                                ("keyid", .string(keyID)), ("sig", .string(signature.base64EncodedString())),
                            ]))
                    ]
                ),
            ])
        ).serializedString()
    }

    /// PAE(type, payload) = "DSSEv1" SP LEN(type) SP type SP LEN(payload) SP payload.
    static func encoding(type: String, payload: Data) -> Data {
        Data("DSSEv1 \(type.utf8.count) \(type) \(payload.count) ".utf8) + payload
    }
}

extension LetheError.Code {
    /// Evidence that does not stand: a signature, a hash or a digest is not the one it has to be.
    public static let verificationFailed = LetheError.Code(rawValue: "verification_failed")
}
