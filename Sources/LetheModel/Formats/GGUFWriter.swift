import Foundation
import LetheCore

/// Writes one GGUF file, version 3, with F32, F16 and Q8_0 tensors.
///
/// Bytes go to `<name>.partial`, which ``finish()`` makes durable and renames; without it the partial file is removed.
/// After a crash the destination is what it was before. Not safe to use from several threads.
public final class GGUFWriter {
    private struct Entry {
        let type: GGMLType
        let elementCount: Int
        let range: Range<Int>
        var isWritten = false
    }

    private static let alignment = GGUFHeader.defaultAlignment

    private let file: StagedFile
    private let name: String
    private var entries: [Entry]
    private let positions: [UTF8Key: Int]

    /// Lays out the file, checks that there is space for it and writes everything but the tensors.
    ///
    /// - Parameters:
    ///   - url: Where the file appears when it is finished; replaced if it exists.
    ///   - metadata: Keys with their values, in file order. `general.architecture` belongs in it; `general.alignment`
    ///     must not, it is always 32.
    ///   - tensors: Name, encoding (F32, F16 or Q8_0) and shape (outermost first, 1 to 4 extents) of every tensor.
    /// - Throws: ``LetheError``: `usage` for names and keys that repeat or are empty, shapes and encodings that cannot
    ///   be written; `limitExceeded`; `diskFull`; `ioError`.
    public init(
        _ url: URL, metadata: [(key: String, value: GGUFValue)],
        tensors: [(name: String, type: GGMLType, shape: [Int])]
    ) throws {
        name = url.lastPathComponent
        let limits = FormatLimits.default
        guard tensors.count <= limits.tensors, metadata.count <= limits.metadataEntries else {
            throw LetheError(.limitExceeded, "\(name): too many tensors or metadata entries")
        }
        var header = GGUFHeaderBuilder()
        header.bytes.append(contentsOf: "GGUF".utf8)
        header.append(UInt32(3))
        header.append(UInt64(tensors.count))
        header.append(UInt64(metadata.count))
        var keys = Set<UTF8Key>()
        for (position, entry) in metadata.enumerated() {
            guard !entry.key.isEmpty, entry.key.utf8.count <= GGUFHeader.maximumKeyBytes,
                !entry.key.hasSameBytes(as: "general.alignment"), keys.insert(UTF8Key(entry.key)).inserted
            else { throw LetheError(.usage, "\(name): the key of entry \(position) cannot be written") }
            header.append(entry.key)
            header.append(entry.value)
        }
        var entries: [Entry] = []
        var positions: [UTF8Key: Int] = [:]
        var offset = 0
        for (position, tensor) in tensors.enumerated() {
            let place = "\(name): tensor \(position)"
            guard !tensor.name.isEmpty, tensor.name.utf8.count <= limits.nameBytes,
                positions.updateValue(position, forKey: UTF8Key(tensor.name)) == nil
            else { throw LetheError(.usage, "\(place): the name cannot be written or is used twice") }
            let (elementCount, byteCount) = try Self.size(of: tensor.type, tensor.shape, place)
            header.append(tensor.name)
            header.append(UInt32(tensor.shape.count))
            for extent in tensor.shape.reversed() { header.append(UInt64(extent)) }
            header.append(tensor.type.rawValue)
            header.append(UInt64(offset))
            let (end, overflow) = offset.addingReportingOverflow(byteCount)
            guard !overflow, end <= Int.max - Self.alignment else {
                throw LetheError(.limitExceeded, "\(place): the file would be too large")
            }
            entries.append(Entry(type: tensor.type, elementCount: elementCount, range: offset..<end))
            offset = Self.aligned(end)
        }
        header.bytes.append(contentsOf: repeatElement(0, count: Self.aligned(header.bytes.count) - header.bytes.count))
        let dataStart = header.bytes.count
        let (size, overflow) = dataStart.addingReportingOverflow(offset)
        guard !overflow else { throw LetheError(.limitExceeded, "\(name): the file would be too large") }
        self.entries = entries.map {
            Entry(
                type: $0.type, elementCount: $0.elementCount,
                range: dataStart + $0.range.lowerBound..<dataStart + $0.range.upperBound)
        }
        self.positions = positions
        file = try StagedFile(destination: url, size: size)
        try header.bytes.withUnsafeBytes { try file.write($0, at: 0) }
    }

    /// Writes a tensor, encoding it as declared: F16 rounds to nearest with ties to even.
    ///
    /// - Throws: ``LetheError``: `usage` for an unknown or already written tensor or a wrong number of elements;
    ///   `badData` when a Q8_0 tensor holds values that are not finite or too large; `diskFull`; `ioError`.
    public func write(_ name: String, from values: UnsafeBufferPointer<Float>) throws {
        guard let position = positions[UTF8Key(name)], !entries[position].isWritten else {
            throw LetheError(.usage, "\(self.name): tensor \(name) is unknown or written already")
        }
        let entry = entries[position]
        guard values.count == entry.elementCount else {
            throw LetheError(
                .usage, "\(self.name): tensor \(name): \(values.count) elements for \(entry.elementCount)")
        }
        let offset = entry.range.lowerBound
        switch entry.type {
        case .f16: try file.writeWords(values, at: offset) { FloatConversion.half($0) }
        case .q8_0: try writeQ8_0(name, values, at: offset)
        default: try file.writeWords(values, at: offset) { $0.bitPattern }
        }
        entries[position].isWritten = true
    }

    /// As ``write(_:from:)-(_,UnsafeBufferPointer<Float>)``.
    public func write(_ name: String, from values: [Float]) throws {
        try values.withUnsafeBufferPointer { try write(name, from: $0) }
    }

    /// Makes the file durable and gives it its name. The writer cannot be used afterwards.
    ///
    /// - Throws: ``LetheError``: `usage` when a tensor was not written (the file can still be completed); `diskFull`;
    ///   `ioError`.
    public func finish() throws {
        let missing = entries.count { !$0.isWritten }
        guard missing == 0 else { throw LetheError(.usage, "\(name): \(missing) tensors are not written") }
        try file.commit()
    }

    private func writeQ8_0(_ name: String, _ values: UnsafeBufferPointer<Float>, at offset: Int) throws {
        let piece = 1 << 19
        var buffer = [UInt8](repeating: 0, count: min(piece, values.count) / 32 * 34)
        var start = 0
        while start < values.count {
            let end = min(start + piece, values.count)
            try buffer.withUnsafeMutableBytes { bytes in
                let target = UnsafeMutableRawBufferPointer(rebasing: bytes[..<((end - start) / 32 * 34)])
                guard Quantization.q8_0(UnsafeBufferPointer(rebasing: values[start..<end]), into: target) else {
                    throw LetheError(
                        .badData, "\(self.name): tensor \(name): a value is not finite or beyond what Q8_0 holds")
                }
                try file.write(UnsafeRawBufferPointer(target), at: offset + start / 32 * 34)
            }
            start = end
        }
    }

    private static func size(of type: GGMLType, _ shape: [Int], _ place: String) throws -> (elements: Int, bytes: Int) {
        guard type == .f32 || type == .f16 || type == .q8_0 else {
            throw LetheError(.usage, "\(place): \(type.name) cannot be written")
        }
        guard (1...GGUFHeader.maximumRank).contains(shape.count) else {
            throw LetheError(.usage, "\(place): rank \(shape.count) is not 1 to \(GGUFHeader.maximumRank)")
        }
        var elements = 1
        for extent in shape {
            let (product, overflow) = elements.multipliedReportingOverflow(by: extent)
            guard !overflow, extent > 0 else { throw LetheError(.usage, "\(place): an extent is zero or too large") }
            elements = product
        }
        guard shape[shape.count - 1] % type.blockSize == 0 else {
            throw LetheError(.usage, "\(place): a row is no whole number of \(type.blockSize)-element blocks")
        }
        let (bytes, overflow) = (elements / type.blockSize).multipliedReportingOverflow(by: type.blockByteCount)
        guard !overflow else { throw LetheError(.usage, "\(place): the shape is too large") }
        return (elements, bytes)
    }

    private static func aligned(_ offset: Int) -> Int { (offset + alignment - 1) / alignment * alignment }
}

/// Appends the parts of a GGUF header to a byte array.
private struct GGUFHeaderBuilder {
    var bytes: [UInt8] = []

    mutating func append(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func append(_ string: String) {
        append(UInt64(string.utf8.count))
        bytes.append(contentsOf: string.utf8)
    }

    mutating func append(_ value: GGUFValue) {
        switch value {
        case .uint8(let number): append(type: 0, number)
        case .int8(let number): append(type: 1, number)
        case .uint16(let number): append(type: 2, number)
        case .int16(let number): append(type: 3, number)
        case .uint32(let number): append(type: 4, number)
        case .int32(let number): append(type: 5, number)
        case .float32(let number): append(type: 6, number.bitPattern)
        case .bool(let flag): append(type: 7, UInt8(flag ? 1 : 0))
        case .string(let string):
            append(UInt32(8))
            append(string)
        case .array(let array):
            append(UInt32(9))
            append(array)
        case .uint64(let number): append(type: 10, number)
        case .int64(let number): append(type: 11, number)
        case .float64(let number): append(type: 12, number.bitPattern)
        }
    }

    private mutating func append(type: UInt32, _ value: some FixedWidthInteger) {
        append(type)
        append(value)
    }

    private mutating func append(_ array: GGUFArray) {
        switch array {
        case .uint8(let values): append(type: 0, elements: values)
        case .int8(let values): append(type: 1, elements: values)
        case .uint16(let values): append(type: 2, elements: values)
        case .int16(let values): append(type: 3, elements: values)
        case .uint32(let values): append(type: 4, elements: values)
        case .int32(let values): append(type: 5, elements: values)
        case .float32(let values): append(type: 6, elements: values.map(\.bitPattern))
        case .bool(let values): append(type: 7, elements: values.map { UInt8($0 ? 1 : 0) })
        case .string(let values):
            append(UInt32(8))
            append(UInt64(values.count))
            for value in values { append(value) }
        case .uint64(let values): append(type: 10, elements: values)
        case .int64(let values): append(type: 11, elements: values)
        case .float64(let values): append(type: 12, elements: values.map(\.bitPattern))
        }
    }

    private mutating func append(type: UInt32, elements: [some FixedWidthInteger]) {
        append(type)
        append(UInt64(elements.count))
        for element in elements { append(element) }
    }
}
