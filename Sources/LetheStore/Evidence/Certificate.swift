import Foundation
import LetheCore

/// A deletion certificate: an in-toto Statement (version 1) about the files of a generation, in a signed envelope.
public struct Certificate: Sendable {
    /// DSSE's payload type of in-toto statements.
    public static let payloadType = "application/vnd.in-toto+json"
    /// The media type of the document.
    public static let mediaType = "application/vnd.in-toto+dsse"
    static let statementType = "https://in-toto.io/Statement/v1"
    static let predicateType = "https://lethe.dev/unlearning-attestation/v1"

    /// Why a certificate is issued.
    enum Occasion: String {
        /// The request's generation became the head.
        case applied
        /// The last kept generation that still held the content was deleted.
        case purged
    }

    /// What is not claimed, in every certificate.
    static let notClaimed = [
        "That the content cannot be brought back by any means: the checks that were run are listed, others may succeed.",
        "That the content is gone from the base model, from generations that were exported or copied, or from backups.",
        "That texts other than the items, such as translations or paraphrases of them, were forgotten.",
        "That the abilities that the keep texts do not show are unchanged.",
        "That the person who asked had the right to, or that a legal duty is fulfilled.",
    ]

    /// A file of the generation.
    public struct Subject: Sendable, Equatable {
        /// A plain file name.
        public let name: String
        /// SHA-256 of its content.
        public let digest: Data
    }

    /// The signed document.
    public let envelope: SignedEnvelope
    /// The statement as it was signed.
    public let statement: JSONValue
    /// The files it is about.
    public let subjects: [Subject]
    /// The request it is about.
    public let requestID: RequestID

    /// The part of the statement that is Lethe's own.
    public var predicate: JSONValue { statement["predicate"] ?? .null }

    /// Reads a certificate; the signature is not checked.
    /// - Throws: ``LetheError`` with code `verification_failed` when it is not one.
    public init(_ envelope: SignedEnvelope) throws {
        func invalid(_ what: String) -> LetheError { LetheError(.verificationFailed, "certificate: \(what)") }
        guard envelope.payloadType == Self.payloadType else { throw invalid("the payload is no in-toto statement") }
        guard let statement = try? JSONParser.parse(envelope.payload, limits: .modelFile, context: "statement"),
            let object = statement.objectValue
        else { throw invalid("the payload is not JSON") }
        guard Set(object.keys) == ["_type", "subject", "predicateType", "predicate"],
            object["_type"]?.stringValue == Self.statementType
        else { throw invalid("the payload is no in-toto statement of version 1") }
        guard object["predicateType"]?.stringValue == Self.predicateType else {
            throw invalid("the statement is not about unlearning, or of a later version")
        }
        guard let entries = object["subject"]?.arrayValue, !entries.isEmpty else { throw invalid("no subject") }
        var names: Set<String> = []
        subjects = try entries.map { entry in
            guard let fields = entry.objectValue, Set(fields.keys) == ["name", "digest"],
                let name = fields["name"]?.stringValue, GenerationManifest.isFileName(name),
                names.insert(name).inserted, let digests = fields["digest"]?.objectValue, digests.count == 1,
                let digest = digests["sha256"]?.stringValue.flatMap(Hexadecimal.data), digest.count == 32
            else { throw invalid("a subject is not a file with its SHA-256") }
            return Subject(name: name, digest: digest)
        }
        let predicate = object["predicate"]
        guard let id = predicate?["request"]?["id"]?.stringValue.flatMap(RequestID.init(rawValue:)) else {
            throw invalid("no request")
        }
        guard predicate?["occasion"]?.stringValue.flatMap(Occasion.init(rawValue:)) != nil,
            predicate?["generation"]?["manifest_sha256"]?.stringValue != nil,
            predicate?["generations_holding_content"]?.arrayValue != nil, predicate?["audit"]?["hash"] != nil,
            predicate?["not_claimed"]?.arrayValue != nil
        else { throw invalid("a part of the predicate is missing") }
        self.envelope = envelope
        self.statement = statement
        requestID = id
    }

    /// Reads a certificate and checks its signature.
    /// - Throws: ``LetheError`` with code `verification_failed` whatever is wrong with it.
    public init(_ data: Data, keys: [VerificationKey]) throws {
        let envelope = try SignedEnvelope(data)
        try envelope.verify(keys)
        try self.init(envelope)
    }

    /// Compares a folder with the subjects: every file has to be there with its digest, and no other.
    /// - Parameter progress: called before each file is read.
    /// - Throws: ``LetheError`` with code `verification_failed` naming the file.
    public func verify(folder: URL, progress: (Subject) -> Void = { _ in }) throws {
        let path = folder.path
        let found = try FileSystem.entries(path)
        let known = Set(subjects.map(\.name))
        for name in found where !known.contains(name) {
            throw LetheError(.verificationFailed, "the folder holds a file that the certificate does not list")
        }
        for subject in subjects {
            progress(subject)
            guard let (digest, _) = try? FileSystem.digest("\(path)/\(subject.name)") else {
                throw LetheError(.verificationFailed, "\(subject.name) is missing or cannot be read")
            }
            guard digest == subject.digest else {
                throw LetheError(.verificationFailed, "\(subject.name) is not the file that was certified")
            }
        }
    }

    /// A statement's payload.
    static func payload(subjects: [Subject], predicate: JSONValue) -> Data {
        JSONValue.object(
            JSONObject([
                ("_type", .string(statementType)),
                (
                    "subject",
                    .array(
                        subjects.map { subject in
                            .object(
                                JSONObject([
                                    ("name", .string(subject.name)),
                                    ("digest", ["sha256": .string(Hexadecimal.string(subject.digest))]),
                                ]))
                        })
                ),
                ("predicateType", .string(predicateType)), ("predicate", predicate),
            ])
        ).serialized()
    }
}
