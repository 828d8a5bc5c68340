import Foundation
import LetheCore

/// Writes one safetensors file.
///
/// The tensors lie in the file in the order given; the header is padded with spaces to a multiple of 8 bytes. Bytes go
/// to `<name>.partial`, which ``finish()`` makes durable and renames; without it the partial file is removed. After a
/// crash the destination is what it was before. Not safe to use from several threads.
public final class SafetensorsWriter {
    private struct Entry {
        let type: ElementType
        let elementCount: Int
        let range: Range<Int>
        var isWritten = false
    }

    private let file: StagedFile
    private let name: String
    private var entries: [Entry]
    private let positions: [UTF8Key: Int]

    /// Lays out the file, checks that there is space for it and writes its header.
    ///
    /// - Parameters:
    ///   - url: Where the file appears when it is finished; replaced if it exists.
    ///   - tensors: Name, element type and shape (outermost first) of every tensor, in file order. Where types of
    ///     different sizes are mixed, wider ones have to come first, so that every tensor is aligned.
    ///   - metadata: Strings for `__metadata__`; Hugging Face's loaders want "format": "pt".
    /// - Throws: ``LetheError``: `usage` for names that repeat or are reserved, negative extents and misaligned
    ///   tensors; `limitExceeded`; `diskFull`; `ioError`.
    public init(
        _ url: URL, tensors: [(name: String, elementType: ElementType, shape: [Int])],
        metadata: [String: String] = ["format": "pt"]
    ) throws {
        name = url.lastPathComponent
        var header = JSONObject()
        if !metadata.isEmpty {
            let sorted = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            header["__metadata__"] = .object(JSONObject(sorted.map { ($0.key, .string($0.value)) }))
        }
        let limits = FormatLimits.default
        var entries: [Entry] = []
        var positions: [UTF8Key: Int] = [:]
        var offset = 0
        for (position, tensor) in tensors.enumerated() {
            let place = "\(name): tensor \(position)"
            guard !tensor.name.hasSameBytes(as: "__metadata__"),
                positions.updateValue(position, forKey: UTF8Key(tensor.name)) == nil
            else { throw LetheError(.usage, "\(place): the name is reserved or used twice") }
            guard tensor.name.utf8.count <= limits.nameBytes, tensor.shape.count <= limits.rank else {
                throw LetheError(.limitExceeded, "\(place): the name is too long or the rank too large")
            }
            let elementCount = try Self.product(tensor.shape, place)
            let byteCount = try Self.product([elementCount, tensor.elementType.byteSize], place)
            guard offset % tensor.elementType.byteSize == 0 else {
                throw LetheError(.usage, "\(place): put tensors of wider element types first")
            }
            let (end, overflow) = offset.addingReportingOverflow(byteCount)
            guard !overflow else { throw LetheError(.limitExceeded, "\(place): the file would be too large") }
            header[tensor.name] = [
                "dtype": .string(tensor.elementType.rawValue),
                "shape": .array(tensor.shape.map { .integer(Int64($0)) }),
                "data_offsets": [.integer(Int64(offset)), .integer(Int64(end))],
            ]
            entries.append(Entry(type: tensor.elementType, elementCount: elementCount, range: offset..<end))
            offset = end
        }
        guard entries.count <= limits.tensors else {
            throw LetheError(.limitExceeded, "\(name): more than \(limits.tensors) tensors")
        }
        var text = [UInt8](JSONValue.object(header).serialized())
        text.append(contentsOf: repeatElement(0x20, count: (8 - text.count % 8) % 8))
        guard text.count <= limits.headerBytes else {
            throw LetheError(.limitExceeded, "\(name): the header is longer than \(limits.headerBytes) bytes")
        }
        let dataStart = 8 + text.count
        let (size, overflow) = dataStart.addingReportingOverflow(offset)
        guard !overflow else { throw LetheError(.limitExceeded, "\(name): the file would be too large") }
        self.entries = entries.map {
            Entry(
                type: $0.type, elementCount: $0.elementCount,
                range: dataStart + $0.range.lowerBound..<dataStart + $0.range.upperBound)
        }
        self.positions = positions
        file = try StagedFile(destination: url, size: size)
        let length = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) }
        try (length + text).withUnsafeBytes { try file.write($0, at: 0) }
    }

    /// Writes a tensor, rounding to nearest with ties to even where its type is narrower than a float. Values too
    /// large for a half become infinite; not-a-number stays not-a-number.
    ///
    /// - Throws: ``LetheError``: `usage` for an unknown or already written tensor, a wrong number of elements, or a
    ///   type that is no F32, F16 or BF16; `diskFull`; `ioError`.
    public func write(_ name: String, from values: UnsafeBufferPointer<Float>) throws {
        let position = try begin(name, elements: values.count)
        let entry = entries[position]
        let offset = entry.range.lowerBound
        switch entry.type {
        case .float32:
            #if _endian(little)
                try file.write(UnsafeRawBufferPointer(values), at: offset)
            #else
                try file.writeWords(values, at: offset) { $0.bitPattern }
            #endif
        case .float16: try file.writeWords(values, at: offset) { FloatConversion.half($0) }
        case .bfloat16: try file.writeWords(values, at: offset) { FloatConversion.bfloat16($0) }
        default:
            throw LetheError(.usage, "\(self.name): tensor \(name): floats cannot be written as \(entry.type.rawValue)")
        }
        entries[position].isWritten = true
    }

    /// As ``write(_:from:)-(_,UnsafeBufferPointer<Float>)``.
    public func write(_ name: String, from values: [Float]) throws {
        try values.withUnsafeBufferPointer { try write(name, from: $0) }
    }

    /// Writes a tensor of any type from its bytes as the file holds them: row-major, little-endian.
    ///
    /// - Throws: ``LetheError``: `usage` for an unknown or already written tensor or a wrong number of bytes;
    ///   `diskFull`; `ioError`.
    public func writeRaw(_ name: String, from bytes: UnsafeRawBufferPointer) throws {
        let position = try begin(name, elements: nil)
        guard bytes.count == entries[position].range.count else {
            throw LetheError(
                .usage, "\(self.name): tensor \(name): \(bytes.count) bytes for \(entries[position].range.count)")
        }
        try file.write(bytes, at: entries[position].range.lowerBound)
        entries[position].isWritten = true
    }

    /// Makes the file durable and gives it its name. The writer cannot be used afterwards.
    ///
    /// - Throws: ``LetheError``: `usage` when a tensor was not written (the file can still be completed); `diskFull`;
    ///   `ioError`.
    public func finish() throws {
        let missing = entries.count { !$0.isWritten && !$0.range.isEmpty }
        guard missing == 0 else { throw LetheError(.usage, "\(name): \(missing) tensors are not written") }
        try file.commit()
    }

    private func begin(_ name: String, elements: Int?) throws -> Int {
        guard let position = positions[UTF8Key(name)], !entries[position].isWritten else {
            throw LetheError(.usage, "\(self.name): tensor \(name) is unknown or written already")
        }
        if let elements, elements != entries[position].elementCount {
            throw LetheError(
                .usage, "\(self.name): tensor \(name): \(elements) elements for \(entries[position].elementCount)")
        }
        return position
    }

    private static func product(_ factors: [Int], _ place: String) throws -> Int {
        var result = 1
        for factor in factors {
            let (product, overflow) = result.multipliedReportingOverflow(by: factor)
            guard !overflow, factor >= 0 else {
                throw LetheError(.usage, "\(place): the shape is negative or too large")
            }
            result = product
        }
        return result
    }
}
