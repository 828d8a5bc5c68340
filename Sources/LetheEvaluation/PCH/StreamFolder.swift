import Foundation
import LetheCore
import LetheModel
import LetheUnlearning

/// What is on disk of an unfinished stream: `state.json`, the changed layers, and the vectors of the forget memory. No
/// text.
///
/// A layer's file lies in a folder named by the request after which it was written, and `state.json` says which one
/// counts, so that a crash between files leaves the state before.
struct StreamFolder {
    let url: URL
    private var stateFile: URL { url.appendingPathComponent("state.json") }
    private var memoryFile: URL { url.appendingPathComponent("memory.bin") }

    /// Makes the folder if it is not there.
    init(_ url: URL) throws {
        self.url = url
        do {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        } catch {
            throw LetheError(.ioError, "the run's work folder cannot be made")
        }
    }

    func read() throws -> StreamState { try WorkDocument.read(StreamState.self, from: stateFile) ?? StreamState() }

    func write(_ state: StreamState) throws { try WorkDocument.write(state, to: stateFile) }

    /// Puts the saved layers into a model and the saved vectors into a memory.
    func restore(_ state: StreamState, into model: LanguageModel, _ memory: ForgetMemory) throws {
        for (layer, version) in state.layerVersions.sorted(by: { $0.key < $1.key }) {
            try LayerFiles.read(layer, of: model, from: folder(version))
        }
        guard state.memoryCount > 0 else { return }
        let bytes = memory.dimension * MemoryLayout<Float>.size
        let data = (try? Data(contentsOf: memoryFile)) ?? Data()
        guard data.count >= state.memoryCount * bytes else {
            throw LetheError(.badData, "memory.bin: the unfinished run's file is damaged")
        }
        for index in 0..<state.memoryCount {
            let vector = data.subdata(in: index * bytes..<(index + 1) * bytes).withUnsafeBytes { raw in
                (0..<memory.dimension).map { raw.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self) }
            }
            try memory.append([vector])
        }
    }

    /// Saves what changed since the last save; durable when the call returns.
    func save(
        _ state: inout StreamState, model: LanguageModel, changed: Set<Int>, vectors: [[Float]]
    ) throws {
        try append(vectors, after: state.memoryCount)
        state.memoryCount += vectors.count
        let old = state.layerVersions
        if !changed.isEmpty {
            let folder = folder(state.done)
            do {
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            } catch {
                throw LetheError(.ioError, "the run's work folder cannot be made")
            }
            for layer in changed.sorted() {
                try LayerFiles.write(layer, of: model, to: folder)
                state.layerVersions[layer] = state.done
            }
        }
        try write(state)
        removeSuperseded(old, by: state.layerVersions)
    }

    /// Removes weights and vectors; what was measured stays.
    func removeWeights(_ state: StreamState) {
        for version in Set(state.layerVersions.values) { try? FileManager.default.removeItem(at: folder(version)) }
        try? FileManager.default.removeItem(at: memoryFile)
    }

    private func folder(_ version: Int) -> URL { url.appendingPathComponent("after-\(version)", isDirectory: true) }

    /// Writes behind the vectors that count: what a crash left there is written over.
    private func append(_ vectors: [[Float]], after count: Int) throws {
        guard let dimension = vectors.first?.count else { return }
        do {
            if !FileManager.default.fileExists(atPath: memoryFile.path) { try Data().write(to: memoryFile) }
            let handle = try FileHandle(forWritingTo: memoryFile)
            defer { try? handle.close() }
            try handle.seek(toOffset: UInt64(count * dimension * MemoryLayout<Float>.size))
            for vector in vectors { try handle.write(contentsOf: vector.withUnsafeBytes { Data($0) }) }
            try handle.synchronize()
        } catch {
            throw LetheError(.ioError, "memory.bin: cannot be written")
        }
    }

    private func removeSuperseded(_ old: [Int: Int], by new: [Int: Int]) {
        let live = Set(new.values)
        for (layer, version) in old where new[layer] != version {
            let file = folder(version).appendingPathComponent(LayerFiles.name(layer))
            try? FileManager.default.removeItem(at: live.contains(version) ? file : folder(version))
        }
    }
}
