import Foundation
import LetheCore

/// The files of a repository at one commit.
public struct HubListing: Sendable, Equatable {
    /// The most files that are read.
    static let fileLimit = 50_000
    /// The most bytes of the hub's answer.
    static let byteLimit = 32 << 20

    /// The commit, 40 hexadecimal digits: what a branch or a tag stood for when it was asked for.
    public let commit: String
    /// All files, sorted by name.
    public let files: [HubFile]

    /// Reads the hub's answer to `GET /api/models/OWNER/NAME/revision/REVISION?blobs=true`.
    /// - Throws: `bad_data` for anything that is not such an answer, a name that would lead out of a folder among it;
    ///   `limit_exceeded`.
    init(_ data: Data) throws {
        let context = "the hub's listing"
        let json = try JSONParser.parse(
            data, limits: .init(maximumBytes: Self.byteLimit, maximumDepth: 64, maximumElements: 2_000_000),
            context: context)
        guard let commit = HubDigest.digits(json["sha"]?.stringValue, count: 40),
            let siblings = json["siblings"]?.arrayValue
        else { throw LetheError(.badData, "\(context): has no sha and siblings; is --endpoint a model hub?") }
        guard siblings.count <= Self.fileLimit else {
            throw LetheError(.limitExceeded, "\(context): \(siblings.count) files; the limit is \(Self.fileLimit)")
        }
        var files: [HubFile] = []
        var names: Set<Data> = []
        for (index, sibling) in siblings.enumerated() {
            guard let name = sibling["rfilename"]?.stringValue, HubFile.isSafe(name) else {
                throw LetheError(.badData, "\(context)#/siblings/\(index): its name is not a path inside a folder")
            }
            guard names.insert(Data(name.utf8)).inserted else {
                throw LetheError(.badData, "\(context)#/siblings/\(index): its name is there twice")
            }
            let large = sibling["lfs"]?.objectValue
            guard let size = (large?["size"] ?? sibling["size"])?.intValue, size >= 0 else {
                throw LetheError(.badData, "\(context)#/siblings/\(index): has no size")
            }
            files.append(HubFile(name: name, size: size, digest: try Self.digest(sibling, large, index)))
        }
        self.commit = commit
        self.files = files.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    private static func digest(_ sibling: JSONValue, _ large: JSONObject?, _ index: Int) throws -> HubDigest {
        if let large {
            var text = (large["sha256"] ?? large["oid"])?.stringValue
            if let given = text, given.hasPrefix("sha256:") { text = String(given.dropFirst(7)) }
            if let digits = HubDigest.digits(text, count: 64) { return .sha256(digits) }
        } else if let digits = HubDigest.digits(sibling["blobId"]?.stringValue, count: 40) {
            return .gitBlob(digits)
        }
        throw LetheError(.badData, "the hub's listing#/siblings/\(index): has no checksum")
    }

    /// The file of a name; compared by bytes.
    func file(_ name: String) -> HubFile? {
        files.first { $0.name.utf8.elementsEqual(name.utf8) }
    }
}
