import Foundation
import LetheCore
import LetheModel
import Testing

/// Paths and small builders that the format tests share.
enum FormatFixtures {
    /// Tests/Fixtures/formats
    static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures/formats", isDirectory: true)

    static func url(_ name: String) -> URL { folder.appendingPathComponent(name) }

    /// Runs a closure with a new, empty folder that is removed afterwards.
    static func withTemporaryFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
        let url = FileManager.default.temporaryDirectory
            .appendingPathComponent("lethe-formats-\(UUID().uuidString)", isDirectory: true)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: url) }
        return try body(url)
    }

    /// The bytes of a safetensors file with this header and this many zero bytes of data.
    static func safetensors(header: [UInt8], dataBytes: Int, declaredLength: UInt64? = nil) -> [UInt8] {
        var bytes: [UInt8] = []
        withUnsafeBytes(of: (declaredLength ?? UInt64(header.count)).littleEndian) { bytes.append(contentsOf: $0) }
        return bytes + header + [UInt8](repeating: 0, count: dataBytes)
    }

    static func safetensors(_ header: String, dataBytes: Int = 0) -> [UInt8] {
        safetensors(header: Array(header.utf8), dataBytes: dataBytes)
    }

    /// The error that reading the header throws; nil when it is accepted. The bytes are in memory of exactly their
    /// size, so that a sanitizer sees any read beyond them.
    static func safetensorsRejection(_ bytes: [UInt8], limits: FormatLimits = .default) throws -> LetheError? {
        try rejection(bytes) { _ = try SafetensorsHeader(file: $0, limits: limits, context: "test") }
    }

    /// As ``safetensorsRejection(_:limits:)``, for GGUF.
    static func ggufRejection(_ bytes: [UInt8], limits: FormatLimits = .default) throws -> LetheError? {
        try rejection(bytes) { _ = try GGUFHeader(file: $0, limits: limits, context: "test") }
    }

    private static func rejection(_ bytes: [UInt8], _ read: (UnsafeRawBufferPointer) throws -> Void) throws
        -> LetheError?
    {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        defer { copy.deallocate() }
        copy.copyBytes(from: bytes)
        do {
            try read(UnsafeRawBufferPointer(copy))
            return nil
        } catch let error as LetheError { return error }
    }
}

/// Builds the bytes of GGUF files, right or wrong.
struct GGUFBytes {
    var bytes: [UInt8] = []

    /// A file's first 24 bytes.
    init(version: UInt32 = 3, tensors: UInt64, entries: UInt64) {
        bytes.append(contentsOf: "GGUF".utf8)
        number(version)
        number(tensors)
        number(entries)
    }

    mutating func number(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func string(_ value: String) {
        number(UInt64(value.utf8.count))
        bytes.append(contentsOf: value.utf8)
    }

    mutating func entry(_ key: String, type: UInt32, _ value: some FixedWidthInteger) {
        string(key)
        number(type)
        number(value)
    }

    mutating func tensor(_ name: String, _ dimensions: [UInt64], type: UInt32 = 0, offset: UInt64 = 0) {
        string(name)
        number(UInt32(dimensions.count))
        for dimension in dimensions { number(dimension) }
        number(type)
        number(offset)
    }

    /// Pads to the alignment and appends zero bytes of data.
    mutating func data(_ count: Int, alignment: Int = 32) {
        while bytes.count % alignment != 0 { bytes.append(0) }
        bytes.append(contentsOf: repeatElement(0, count: count))
    }
}
