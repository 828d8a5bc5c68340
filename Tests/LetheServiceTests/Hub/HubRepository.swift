import Crypto
import Foundation
import LetheCore

/// A repository as a hub has it: `acme/tiny` with a few files.
struct HubRepository: Sendable {
    static let commit = String(repeating: "0123456789", count: 4)

    /// Content by path.
    var files: [String: Data]
    /// Paths of those that are kept as large files, with SHA-256.
    var large: Set<String>
    /// What is listed besides, as it is.
    var extra: [JSONValue] = []

    /// A model with one file of weights of so many bytes.
    init(weightBytes: Int = 300_000) {
        files = [
            "config.json": Data(#"{"model_type":"llama"}"#.utf8), "tokenizer.json": Data(#"{"version":"1.0"}"#.utf8),
            "generation_config.json": Data("{}".utf8), "README.md": Data("# Tiny".utf8),
            "pytorch_model.bin": Data("pickled".utf8), "model.safetensors": Self.noise(weightBytes, seed: 1),
        ]
        large = ["model.safetensors", "pytorch_model.bin"]
    }

    /// The same with three shards and their index.
    static func sharded() -> HubRepository {
        var repository = HubRepository()
        repository.files["model.safetensors"] = nil
        var map = JSONObject()
        for number in 1...3 {
            let name = "model-0000\(number)-of-00003.safetensors"
            repository.files[name] = noise(50_000 + number, seed: UInt8(number))
            repository.large.insert(name)
            map["layer.\(number).weight"] = .string(name)
            map["layer.\(number).bias"] = .string(name)
        }
        let index: JSONValue = ["metadata": ["total_size": 150_006], "weight_map": .object(map)]
        repository.files["model.safetensors.index.json"] = index.serialized()
        return repository
    }

    static func noise(_ count: Int, seed: UInt8) -> Data {
        var generator = SeededGenerator(seed: UInt64(seed))
        return Data((0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) })
    }

    var listing: JSONValue {
        let siblings = files.sorted { $0.key < $1.key }.map { name, data -> JSONValue in
            var sibling: JSONObject = JSONObject([
                ("rfilename", .string(name)), ("size", .integer(Int64(data.count))),
                (
                    "blobId",
                    .string(Self.hexadecimal(Insecure.SHA1.hash(data: Data("blob \(data.count)\0".utf8) + data)))
                ),
            ])
            if large.contains(name) {
                sibling["lfs"] = [
                    "sha256": .string(Self.hexadecimal(SHA256.hash(data: data))),
                    "size": .integer(Int64(data.count)), "pointerSize": 134,
                ]
            }
            return .object(sibling)
        }
        return ["id": "acme/tiny", "sha": .string(Self.commit), "siblings": .array(siblings + extra)]
    }

    private static func hexadecimal(_ digest: some Sequence<UInt8>) -> String {
        digest.map { String(format: "%02x", $0) }.joined()
    }

    /// What a hub answers.
    func reply(to request: HubServer.Request) -> HubServer.Reply {
        if request.target == "/api/models/acme/tiny/revision/main?blobs=true" {
            return HubServer.Reply(body: listing.serialized())
        }
        guard let name = fileName(request) else { return HubServer.Reply(status: 404) }
        return content(name, request)
    }

    /// The file that a request asks for.
    func fileName(_ request: HubServer.Request) -> String? {
        let prefix = "/acme/tiny/resolve/\(Self.commit)/"
        guard request.path.hasPrefix(prefix) else { return nil }
        let name = String(request.path.dropFirst(prefix.count))
        return files[name] == nil ? nil : name
    }

    /// A file's content, or what `Range` asks for of it.
    func content(_ name: String, _ request: HubServer.Request) -> HubServer.Reply {
        let data = files[name] ?? Data()
        guard request.headers["range"] != nil else { return HubServer.Reply(body: data) }
        let first = request.firstByte
        guard first < data.count else { return HubServer.Reply(status: 416) }
        return HubServer.Reply(
            status: 206, headers: ["Content-Range": "bytes \(first)-\(data.count - 1)/\(data.count)"],
            body: Data(data.dropFirst(first)))
    }
}
