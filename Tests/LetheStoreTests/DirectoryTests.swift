import Foundation
import LetheCore
import LetheStore
import Testing

/// The data directory, its lock and the master key.
@Suite struct DirectoryTests {
    @Test func `a second holder of the directory is refused`() async throws {
        let store = try StoreFixture()
        #expect(await errorCode { _ = try DataDirectory(store.root) } == .conflict)
        try store.close()
        _ = try DataDirectory(store.root)
        try store.open()
    }

    @Test func `directory and files are for their owner only`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        let manager = FileManager.default
        let entries = try #require(manager.enumerator(atPath: store.root.path))
        var paths = [store.root.path]
        for case let entry as String in entries { paths.append("\(store.root.path)/\(entry)") }
        #expect(paths.count > 10)
        for path in paths where !path.hasSuffix("config.json") && !path.hasSuffix(".safetensors") {
            let mode = try #require(manager.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
            #expect(mode & 0o077 == 0, "\(path)")
        }
    }

    @Test func `a lost master key is not replaced by a new one`() async throws {
        let store = try StoreFixture()
        try store.close()
        try FileManager.default.removeItem(at: store.root.appendingPathComponent("master.key"))
        #expect(await errorCode { try store.open() } == .missingInput)
        #expect(!FileManager.default.fileExists(atPath: store.root.appendingPathComponent("master.key").path))
    }

    @Test func `another master key is refused`() async throws {
        let store = try StoreFixture()
        try store.close()
        let other = try StoreFixture()
        let key = store.root.appendingPathComponent("master.key")
        try FileManager.default.removeItem(at: key)
        try FileManager.default.copyItem(at: other.root.appendingPathComponent("master.key"), to: key)
        #expect(await errorCode { try store.open() } == .badData)
    }

    @Test func `a master key that others can read is refused`() async throws {
        let store = try StoreFixture()
        try store.close()
        let key = store.root.appendingPathComponent("master.key").path
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: key)
        #expect(await errorCode { try store.open() } == .forbidden)
    }

    @Test(arguments: ["", "lethe-master-key-1 AAAA\n", "something else", String(repeating: "x", count: 5000)])
    func `a file that is no master key is refused`(text: String) async throws {
        let store = try StoreFixture()
        try store.close()
        let key = store.root.appendingPathComponent("master.key")
        try FileManager.default.removeItem(at: key)
        #expect(
            FileManager.default.createFile(
                atPath: key.path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600]))
        let code = await errorCode { try store.open() }
        #expect(code == .badData || code == .limitExceeded)
    }

    @Test func `the key can lie elsewhere`() async throws {
        let store = try StoreFixture()
        try store.close()
        let elsewhere = FileManager.default.temporaryDirectory.appendingPathComponent("lethe-key-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: elsewhere) }
        try FileManager.default.moveItem(at: store.root.appendingPathComponent("master.key"), to: elsewhere)
        let directory = try DataDirectory(store.root, masterKey: elsewhere)
        try LetheDatabase(directory: directory, failPoints: FailPoints()).close()
    }

    @Test func `a file where the directory should be is refused`() async throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("lethe-file-\(UUID().uuidString)")
        try Data([1]).write(to: path)
        defer { try? FileManager.default.removeItem(at: path) }
        #expect(await errorCode { _ = try DataDirectory(path) } == .ioError)
    }
}
