import Foundation
import LetheCore
import LetheModel
import Testing

@Suite struct ShardedSafetensorsTests {
    private static let shard1 = "model-00001-of-00003.safetensors"

    @Test func `tensors of all shards are read`() throws {
        let url = FormatFixtures.url("sharded/model.safetensors.index.json")
        let checkpoint = try ShardedSafetensors(index: url)
        #expect(checkpoint.shardNames.count == 3)
        #expect(checkpoint.tensorNames.count == 6)
        for shard in 0..<3 {
            for part in 0..<2 {
                let name = "layer.\(shard).\(part)"
                #expect(checkpoint.info(name)?.shape == [2, 2])
                let value = Float(Double(shard) + Double(part) / 10)
                #expect(try checkpoint.readFloat32(name) == [Float](repeating: value, count: 4))
            }
        }
        #expect(checkpoint.info("layer.3.0") == nil)
        #expect(throws: LetheError.self) { try checkpoint.readFloat32("layer.3.0") }
    }

    private func rejection(_ index: String) throws -> LetheError? {
        try FormatFixtures.withTemporaryFolder { folder in
            let copy = folder.appendingPathComponent("sharded")
            try FileManager.default.copyItem(at: FormatFixtures.url("sharded"), to: copy)
            let url = copy.appendingPathComponent("model.safetensors.index.json")
            try Data(index.utf8).write(to: url)
            do {
                _ = try ShardedSafetensors(index: url)
                return nil
            } catch let error as LetheError { return error }
        }
    }

    @Test(arguments: [
        "../sharded/model-00001-of-00003.safetensors", "/etc/passwd", "sub/x.safetensors", "..", ".", "",
        ".hidden.safetensors", "model.bin", "a\\b.safetensors", "a\u{0}.safetensors",
    ])
    func `shard names have to be plain file names`(_ name: String) throws {
        let index: JSONValue = ["weight_map": ["layer.0.0": .string(name)]]
        #expect(try rejection(index.serializedString())?.code == .badData)
    }

    @Test(arguments: [
        ("not JSON", "{"), ("no weight_map", "{}"), ("weight_map is a list", #"{"weight_map":[]}"#),
        ("a shard that is a number", #"{"weight_map":{"a":1}}"#),
        ("a tensor is not listed", #"{"weight_map":{"layer.0.0":"\#(shard1)"}}"#),
        (
            "a tensor that no shard has",
            #"{"weight_map":{"layer.0.0":"\#(shard1)","layer.0.1":"\#(shard1)","layer.0.2":"\#(shard1)"}}"#
        ),
        (
            "a tensor in another shard",
            #"{"weight_map":{"layer.0.0":"\#(shard1)","layer.0.1":"model-00002-of-00003.safetensors"}}"#
        ),
        ("a tensor listed twice", #"{"weight_map":{"layer.0.0":"\#(shard1)","layer.0.0":"\#(shard1)"}}"#),
    ])
    func `an index that does not fit its shards is refused`(_ what: String, _ index: String) throws {
        #expect(try rejection(index)?.code == .badData, "\(what)")
    }

    @Test func `a missing shard is reported as missing`() throws {
        #expect(try rejection(#"{"weight_map":{"a":"absent.safetensors"}}"#)?.code == .missingInput)
    }
}
