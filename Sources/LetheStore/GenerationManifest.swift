import Foundation
import LetheCore

/// What a generation consists of and where it comes from: the content of its manifest.json.
public struct GenerationManifest: Sendable, Equatable {
    /// One file of the generation.
    public struct File: Sendable, Equatable {
        /// A plain file name.
        public var name: String
        /// Bytes.
        public var size: Int
        /// SHA-256 of the content.
        public var digest: Data
    }

    /// The name of the manifest's own file, which it does not list.
    public static let fileName = "manifest.json"

    /// The model it belongs to.
    public var model: String
    /// Its number among the model's generations.
    public var number: Int
    /// When it was published.
    public var createdAt: Date
    /// The number of the generation it was made from; nil for an imported one.
    public var parentNumber: Int?
    /// SHA-256 of that generation's manifest.json.
    public var parentDigest: Data?
    /// The requests it carries out.
    public var requestIDs: [RequestID]
    /// How it was made, such as `fit` or `import`.
    public var method: String
    /// The seed of every random choice; nil when there was none.
    public var seed: UInt64?
    /// The version of the program that made it.
    public var codeVersion: String
    /// Every file but the manifest, sorted by name.
    public var files: [File]

    /// The size of all files together.
    public var byteCount: Int { files.reduce(0) { $0.addingReportingOverflow($1.size).partialValue } }

    /// The file's text: the same bytes for the same content.
    var data: Data {
        var object = JSONObject()
        object["schema"] = 1
        object["model"] = .string(model)
        object["number"] = .integer(Int64(number))
        object["created_at"] = .string(Timestamp.string(createdAt))
        if let parentNumber, let parentDigest {
            object["parent"] = .object(
                JSONObject([
                    ("number", .integer(Int64(parentNumber))),
                    ("manifest_sha256", .string(Hexadecimal.string(parentDigest))),
                ]))
        }
        object["request_ids"] = .array(requestIDs.map { .string($0.rawValue) })
        object["method"] = .string(method)
        if let seed { object["seed"] = .string(String(seed)) }
        object["code_version"] = .string(codeVersion)
        object["files"] = .array(
            files.map { file in
                .object(
                    JSONObject([
                        ("name", .string(file.name)), ("size", .integer(Int64(file.size))),
                        ("sha256", .string(Hexadecimal.string(file.digest))),
                    ]))
            })
        return JSONValue.object(object).serialized(pretty: true)
    }

    init(
        model: String, number: Int, createdAt: Date, parentNumber: Int?, parentDigest: Data?, requestIDs: [RequestID],
        method: String, seed: UInt64?, codeVersion: String, files: [File]
    ) {
        self.model = model
        self.number = number
        self.createdAt = createdAt
        self.parentNumber = parentNumber
        self.parentDigest = parentDigest
        self.requestIDs = requestIDs
        self.method = method
        self.seed = seed
        self.codeVersion = codeVersion
        self.files = files
    }

    /// Reads a manifest.json.
    /// - Throws: ``LetheError`` with code `bad_data`; `unsupported` for a newer layout.
    public init(data: Data) throws {
        let json = try JSONParser.parse(data, context: Self.fileName)
        func invalid(_ field: String) -> LetheError { LetheError(.badData, "\(Self.fileName): /\(field) is not valid") }
        guard let schema = json["schema"]?.intValue else { throw invalid("schema") }
        guard schema == 1 else { throw LetheError(.unsupported, "\(Self.fileName): layout \(schema) is not known") }
        func digest(_ value: JSONValue?, _ field: String) throws -> Data {
            guard let text = value?.stringValue, let data = Hexadecimal.data(text), data.count == 32 else {
                throw invalid(field)
            }
            return data
        }
        guard let model = json["model"]?.stringValue, ModelName.isValid(model) else { throw invalid("model") }
        guard let number = json["number"]?.intValue, number >= 0 else { throw invalid("number") }
        guard let createdAt = json["created_at"]?.stringValue.flatMap(Timestamp.parse) else {
            throw invalid("created_at")
        }
        guard let method = json["method"]?.stringValue else { throw invalid("method") }
        guard let codeVersion = json["code_version"]?.stringValue else { throw invalid("code_version") }
        self.model = model
        self.number = number
        self.createdAt = createdAt
        self.method = method
        self.codeVersion = codeVersion
        if let parent = json["parent"] {
            guard let number = parent["number"]?.intValue else { throw invalid("parent/number") }
            parentNumber = number
            parentDigest = try digest(parent["manifest_sha256"], "parent/manifest_sha256")
        }
        if let text = json["seed"] {
            guard let value = text.stringValue.flatMap({ UInt64($0) }) else { throw invalid("seed") }
            seed = value
        }
        guard let ids = json["request_ids"]?.arrayValue else { throw invalid("request_ids") }
        requestIDs = try ids.enumerated().map { index, value in
            guard let id = value.stringValue.flatMap(RequestID.init(rawValue:)) else {
                throw invalid("request_ids/\(index)")
            }
            return id
        }
        guard let entries = json["files"]?.arrayValue else { throw invalid("files") }
        files = try entries.enumerated().map { index, value in
            guard let name = value["name"]?.stringValue, Self.isFileName(name), let size = value["size"]?.intValue,
                size >= 0
            else { throw invalid("files/\(index)") }
            return File(name: name, size: size, digest: try digest(value["sha256"], "files/\(index)/sha256"))
        }
        guard Set(files.map { Array($0.name.utf8) }).count == files.count else { throw invalid("files") }
    }

    /// Whether a text is a plain name that a generation may use: 1 to 128 of a-z, A-Z, 0-9, `.`, `_`, `-`, and no
    /// leading dot.
    static func isFileName(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        return (1...128).contains(bytes.count) && bytes[0] != 46
            && bytes.allSatisfy { byte in
                (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                    || [45, 46, 95].contains(byte)
            }
    }
}
