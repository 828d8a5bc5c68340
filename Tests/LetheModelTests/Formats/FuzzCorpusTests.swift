import Foundation
import LetheCore
import LetheModel
import Testing

/// The fuzz targets' properties on their seeds and on inputs that once failed, without a fuzzer.
@Suite struct FuzzCorpusTests {
    private func files(_ folder: URL) throws -> [URL] {
        guard FileManager.default.fileExists(atPath: folder.path) else { return [] }
        return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
    }

    @Test func `the seeds of the JSON target survive the writer`() throws {
        let tests = FormatFixtures.folder.deletingLastPathComponent().deletingLastPathComponent()
        let seeds = try files(tests.appendingPathComponent("Fuzz/json/corpus"))
        #expect(seeds.count >= 2)
        for seed in seeds {
            let value = try JSONParser.parse(Data(contentsOf: seed), context: "seed")
            #expect(try JSONParser.parse(value.serialized(pretty: true), context: "seed") == value)
        }
    }

    @Test func `inputs that once failed are answered by every reader`() throws {
        for url in try files(FormatFixtures.url("regressions")) + [FormatFixtures.url("values.gguf")] {
            let bytes = [UInt8](try Data(contentsOf: url))
            #expect(try FormatFixtures.safetensorsRejection(bytes) != nil || FormatFixtures.ggufRejection(bytes) != nil)
            #expect(throws: LetheError.self) { try JSONParser.parse(Data(bytes), context: "regression") }
        }
    }
}
