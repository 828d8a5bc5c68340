import Crypto
import Foundation
import LetheCore

/// One entry of the audit log.
///
/// Its text is canonical JSON: keys sorted by bytes, no white space, absent values left out. The hash of an entry is
/// the SHA-256 of that text, and each entry holds the hash of the one before as `previous`; the first holds 64 zeros.
public struct AuditEntry: Sendable, Equatable {
    /// Its place in the log, from 1, without gaps.
    public var sequence: Int64
    /// When it happened.
    public var at: Date
    /// Who did it.
    public var actor: String
    /// What happened: the kind of the event, or `audit_started`, `signing_key_added`.
    public var action: String
    /// The request it is about.
    public var requestID: RequestID?
    /// The name of the model it is about.
    public var model: String?
    /// The state before.
    public var from: RequestState?
    /// The state after.
    public var to: RequestState?
    /// The attempt during which it happened.
    public var attempt: Int?
    /// Codes, ids and numbers; never text of a request.
    public var detail: JSONValue?
    /// The hash of the entry before, 32 bytes.
    public var previous: Data

    /// What the first entry has for ``previous``.
    static let origin = Data(repeating: 0, count: 32)

    /// The canonical text.
    var text: String {
        var object = JSONObject()
        // In the order in which they are written.
        object["action"] = .string(action)
        object["actor"] = .string(actor)
        object["at"] = .string(Timestamp.string(at))
        if let attempt { object["attempt"] = .integer(Int64(attempt)) }
        if let detail { object["detail"] = detail }
        if let from { object["from"] = .string(from.rawValue) }
        if let model { object["model"] = .string(model) }
        object["previous"] = .string(Hexadecimal.string(previous))
        if let requestID { object["request_id"] = .string(requestID.rawValue) }
        object["sequence"] = .integer(sequence)
        if let to { object["to"] = .string(to.rawValue) }
        return JSONValue.object(object).serializedString(sortedKeys: true)
    }

    /// The hash of a canonical text.
    static func hash(_ text: String) -> Data { Data(SHA256.hash(data: Data(text.utf8))) }

    init(
        sequence: Int64, at: Date, actor: String, action: String, requestID: RequestID? = nil, model: String? = nil,
        from: RequestState? = nil, to: RequestState? = nil, attempt: Int? = nil, detail: JSONValue? = nil,
        previous: Data
    ) {
        self.sequence = sequence
        self.at = at
        self.actor = actor
        self.action = action
        self.requestID = requestID
        self.model = model
        self.from = from
        self.to = to
        self.attempt = attempt
        self.detail = detail
        self.previous = previous
    }

    /// Reads a canonical text.
    /// - Throws: ``LetheError`` with code `verification_failed` when it is not one.
    init(text: String) throws {
        func invalid(_ what: String) -> LetheError {
            LetheError(.verificationFailed, "an entry of the audit log \(what)")
        }
        guard let json = try? JSONParser.parse(Data(text.utf8), context: "entry"), let object = json.objectValue else {
            throw invalid("is not JSON")
        }
        let known: Set = [
            "sequence", "at", "actor", "action", "request_id", "model", "from", "to", "attempt", "detail", "previous",
        ]
        guard object.keys.allSatisfy(known.contains) else { throw invalid("has a field that is not known") }
        func state(_ name: String) throws -> RequestState? {
            guard let value = object[name] else { return nil }
            guard let state = value.stringValue.flatMap(RequestState.init(rawValue:)) else {
                throw invalid("has a state that is none")
            }
            return state
        }
        guard let sequence = object["sequence"]?.intValue, let actor = object["actor"]?.stringValue,
            let action = object["action"]?.stringValue, let at = object["at"]?.stringValue.flatMap(Timestamp.parse),
            let previous = object["previous"]?.stringValue.flatMap(Hexadecimal.data), previous.count == 32
        else { throw invalid("lacks a field") }
        var requestID: RequestID?
        if let text = object["request_id"] {
            guard let id = text.stringValue.flatMap(RequestID.init(rawValue:)) else {
                throw invalid("has a request id that is none")
            }
            requestID = id
        }
        self.init(
            sequence: Int64(sequence), at: at, actor: actor, action: action, requestID: requestID,
            model: object["model"]?.stringValue, from: try state("from"), to: try state("to"),
            attempt: object["attempt"]?.intValue, detail: object["detail"], previous: previous)
        guard self.text.utf8.elementsEqual(text.utf8) else { throw invalid("is not canonical") }
    }
}
