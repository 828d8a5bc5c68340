import Foundation
import LetheCore
import LetheProcessSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What `lethe doctor` finds out.
@Suite struct DoctorTests {
    let bench: CommandBench

    init() throws { bench = try CommandBench() }

    private func doctor(_ arguments: String..., status: Int32 = 0) async throws -> JSONValue {
        let finished = try await bench.lethe.run(
            ["doctor", "--data-dir", bench.store, "--json"] + arguments)
        #expect(finished.end == .exited(status), "\(finished.outputText)\(finished.errorText)")
        return try finished.json
    }

    @Test func `it names the machine and what follows for it`() async throws {
        let json = try await doctor()
        for key in [
            "cpu_features", "memory_available_bytes", "openmp", "core_dumps", "clock", "processors", "threads",
        ] {
            #expect(json[key]?.stringValue?.isEmpty == false, "\(key)")
        }
        #expect(json["openmp"]?.stringValue?.hasPrefix("wait policy passive") == true)
        #expect(json["core_dumps"]?.stringValue?.hasPrefix("off") == true)
        let version = try #require(json["sqlite"]?.stringValue)
        // The library of Debian 12 has the bug; the advice is there exactly when it has.
        if version == "3.40.1" { #expect(json["advice"]?["sqlite"]?.stringValue?.contains("WAL-reset") == true) }
        #expect(json["problems"] == .array([]))
    }

    @Test func `spinning threads and idle processors are mentioned`() async throws {
        let finished = try await bench.lethe.run(
            ["doctor", "--data-dir", bench.store, "--json"],
            environment: ["OMP_WAIT_POLICY": "active", "OMP_NUM_THREADS": "1"])
        #expect(finished.end == .exited(0))
        #expect(try finished.json["warnings"]?.arrayValue?.contains("openmp") == true)
    }

    @Test func `files that others can read are a problem`() async throws {
        try await bench.importModel()
        #expect(try await doctor()["data_directory"] == "mode 700")
        #expect(try await doctor()["master_key_file"] == "mode 600")
        let root = bench.scratch.path("store")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: root.path)
        let open = try await doctor(status: 1)
        #expect(open["problems"] == ["data_directory"])
        #expect(open["advice"]?["data_directory"]?.stringValue?.contains("chmod 700") == true)
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: root.path)
        let key = root.appendingPathComponent("master.key").path
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: key)
        let readable = try await doctor(status: 1)
        #expect(readable["problems"]?.arrayValue?.contains("master_key_file") == true)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: key)
        try FileManager.default.moveItem(atPath: key, toPath: key + ".away")
        let gone = try await doctor(status: 1)
        #expect(gone["problems"]?.arrayValue?.contains("master_key_file") == true)
        // Looking has made no new key.
        #expect(!FileManager.default.fileExists(atPath: key))
    }

    @Test func `a live daemon's database is left alone`() async throws {
        try await bench.importModel()
        let daemon = try await bench.serve()
        let before = try Scratch.contents(bench.scratch.path("store"))
        let json = try await doctor()
        #expect(json["store"]?.stringValue?.contains("running daemon") == true)
        // What needs no lock is looked at all the same.
        #expect(json["data_directory"] == "mode 700" && json["disk_free_bytes"] != nil)
        #expect(json["model tiny"] == nil && json["signing_public_key"] == nil)
        #expect(try Scratch.contents(bench.scratch.path("store")) == before)
        daemon.process.kill()
    }

    @Test func `a crash prints nothing of memory`() async throws {
        try await bench.importModel()
        let daemon = try await bench.serve()
        daemon.process.signal(SIGABRT)
        let finished = try await Blocking.run { [daemon] in try daemon.process.finish(timeout: .seconds(60)) }
        #expect(finished.end == .signalled(SIGABRT))
        #expect(!finished.errorText.contains("Backtrac"))
    }

    @Test func `a model's files are read and tried`() async throws {
        let json = try await doctor("--model", Fixtures.model.path)
        #expect(json["model_file"]?.stringValue?.hasPrefix("llama, 4 layers") == true)
        #expect(json["model_output"] == "finite")
        let copy = try bench.scratch.copy(Fixtures.model, to: "copy")
        let weights = copy.appendingPathComponent("model.safetensors")
        var bytes = try Data(contentsOf: weights)
        let header = 8 + bytes.prefix(8).enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) }
        for index in header..<bytes.count { bytes[index] = 0xFF }
        try bytes.write(to: weights)
        #expect(try await doctor("--model", copy.path, status: 1)["problems"] == ["model_output"])
        try Data(bytes.prefix(1000)).write(to: weights)
        #expect(try await doctor("--model", copy.path, status: 1)["problems"] == ["model_file"])
        #expect(try await doctor("--model", bench.scratch.path("none").path, status: 1)["problems"] == ["model_file"])
    }
}
