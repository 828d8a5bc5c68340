import Foundation
import LetheCore

/// What the maker of an API key chooses.
public struct NewAPIKey: Sendable, Equatable {
    /// The most characters of a name.
    public static let nameLength = 64

    /// What the key is for; shown in lists, so no personal data.
    public var name: String
    /// What it allows.
    public var scopes: Set<AccessScope>
    /// When it stops working; nil for never.
    public var expiresAt: Date?

    /// Names a key and what it allows.
    public init(name: String, scopes: Set<AccessScope>, expiresAt: Date? = nil) {
        self.name = name
        self.scopes = scopes
        self.expiresAt = expiresAt
    }

    /// Reads the body of `POST /v1/keys`.
    /// - Throws: `bad_data` or `limit_exceeded`, beginning with the pointer to the field.
    public init(json: JSONValue) throws {
        let body = try FieldReader(json, pointer: "")
        try body.allowOnly(["name", "scopes", "expires_at"])
        name = try body.required(body.string("name", maximumCharacters: Self.nameLength), "name")
        let words = try body.required(body.array("scopes"), "scopes")
        scopes = []
        for (index, word) in words.enumerated() {
            guard let scope = word.stringValue.flatMap(AccessScope.init(rawValue:)) else {
                throw body.error(
                    "scopes/\(index)",
                    "must be one of \(AccessScope.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            guard scopes.insert(scope).inserted else { throw body.error("scopes/\(index)", "is given twice") }
        }
        if let text = try body.string("expires_at", maximumCharacters: 64) {
            guard let date = Timestamp.parse(text) else {
                throw body.error("expires_at", "must be a time as in 2030-01-31T00:00:00Z")
            }
            expiresAt = date
        }
        try check()
    }

    /// - Throws: `bad_data`, beginning with the pointer to the field.
    func check() throws {
        let isPlain =
            (1...Self.nameLength).contains(name.utf8.count)
            && name.utf8.allSatisfy { (0x20...0x7E).contains($0) } && name.first != " " && name.last != " "
        guard isPlain else {
            throw LetheError(
                .badData,
                "/name: must be 1 to \(Self.nameLength) printable ASCII characters without blanks at the ends")
        }
        guard !scopes.isEmpty else { throw LetheError(.badData, "/scopes: needs at least one scope") }
    }
}
