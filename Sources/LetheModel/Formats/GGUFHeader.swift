import LetheCore

/// The checked beginning of a GGUF file, version 2 or 3: metadata, and where each tensor lies.
///
/// Counts and lengths are compared with what is left of the file before anything is allocated for them.
package struct GGUFHeader: Sendable {
    /// 2 or 3.
    package let version: UInt32
    /// The metadata in file order.
    package let entries: [(key: String, value: GGUFValue)]
    /// The tensors in file order, shapes outermost first.
    package let tensors: [TensorInfo]
    /// Where each tensor lies in the file, in the same order.
    package let ranges: [Range<Int>]

    /// The largest number of extents.
    static let maximumRank = 4
    /// The longest key, from the format's description.
    static let maximumKeyBytes = 65_535
    static let defaultAlignment = 32

    /// Reads and checks the header of a whole file.
    ///
    /// - Throws: ``LetheError`` with `badData`, `limitExceeded`, or `unsupported` for versions, byte orders and
    ///   encodings that are not read. Messages name tensors and entries by their position.
    package init(file bytes: UnsafeRawBufferPointer, limits: FormatLimits = .default, context: String) throws {
        var cursor = GGUFCursor(bytes, context: context)
        guard bytes.prefix(4).elementsEqual("GGUF".utf8) else {
            throw LetheError(.badData, "\(context): does not begin as a GGUF file")
        }
        cursor.position = 4
        version = try cursor.integer(UInt32.self)
        guard version == 2 || version == 3 else {
            let isSwapped = version.byteSwapped == 2 || version.byteSwapped == 3
            throw LetheError(
                .unsupported,
                isSwapped
                    ? "\(context): big-endian GGUF is not supported"
                    : "\(context): GGUF version \(version) is not 2 or 3")
        }
        let tensorCount = try cursor.integer(UInt64.self)
        let entryCount = try cursor.integer(UInt64.self)
        // The shortest entry: an 8-byte key length, a key of one byte, a type, a value of one byte.
        let entriesRead = try Self.checkedCount(
            entryCount, "metadata entries", minimumBytes: 14, limit: limits.metadataEntries, cursor)
        var entries: [(key: String, value: GGUFValue)] = []
        var keys = Set<UTF8Key>()
        for index in 0..<entriesRead {
            let key = try cursor.string(limit: Self.maximumKeyBytes, "key of entry \(index)")
            guard !key.isEmpty else { throw LetheError(.badData, "\(context): entry \(index) has no key") }
            guard keys.insert(UTF8Key(key)).inserted else {
                throw LetheError(.badData, "\(context): the key of entry \(index) occurs twice")
            }
            entries.append((key, try cursor.value("entry \(index)")))
        }
        let alignment = try Self.alignment(entries, context: context)

        // The shortest tensor: a name length, a rank, one extent, an encoding, an offset, and a name of one byte.
        let tensorsRead = try Self.checkedCount(
            tensorCount, "tensors", minimumBytes: 33, limit: limits.tensors, cursor)
        var tensors: [TensorInfo] = []
        var offsets: [Int] = []
        tensors.reserveCapacity(tensorsRead)
        offsets.reserveCapacity(tensorsRead)
        var names = Set<UTF8Key>()
        for index in 0..<tensorsRead {
            let (info, offset) = try Self.tensor(&cursor, "\(context): tensor \(index)", index, limits)
            guard names.insert(UTF8Key(info.name)).inserted else {
                throw LetheError(.badData, "\(context): the name of tensor \(index) occurs twice")
            }
            guard offset % alignment == 0 else {
                throw LetheError(.badData, "\(context): tensor \(index): the offset is no multiple of \(alignment)")
            }
            tensors.append(info)
            offsets.append(offset)
        }
        self.entries = entries
        self.tensors = tensors
        ranges = try Self.ranges(
            tensors, offsets, headerEnd: cursor.position, alignment: alignment, fileSize: bytes.count, limits: limits,
            context: context)
    }

    private static func checkedCount(
        _ count: UInt64, _ what: String, minimumBytes: Int, limit: Int, _ cursor: GGUFCursor
    ) throws -> Int {
        guard count <= UInt64(cursor.remaining / minimumBytes) else {
            throw LetheError(.badData, "\(cursor.context): \(count) \(what) do not fit into the rest of the file")
        }
        guard count <= UInt64(limit) else {
            throw LetheError(.limitExceeded, "\(cursor.context): \(count) \(what) are more than \(limit)")
        }
        return Int(count)
    }

    private static func alignment(_ entries: [(key: String, value: GGUFValue)], context: String) throws -> Int {
        guard let entry = entries.first(where: { $0.key.hasSameBytes(as: "general.alignment") }) else {
            return defaultAlignment
        }
        guard case .uint32(let value) = entry.value, value >= 8, value & (value - 1) == 0,
            let result = Int(exactly: value)
        else {
            throw LetheError(.badData, "\(context): general.alignment is no 32-bit power of two from 8 on")
        }
        return result
    }

    private static func tensor(
        _ cursor: inout GGUFCursor, _ place: String, _ index: Int, _ limits: FormatLimits
    ) throws -> (TensorInfo, offset: Int) {
        let name = try cursor.string(limit: limits.nameBytes, "name of tensor \(index)")
        guard !name.isEmpty else { throw LetheError(.badData, "\(place): has no name") }
        let rank = try cursor.integer(UInt32.self)
        guard rank >= 1, rank <= UInt32(maximumRank) else {
            throw LetheError(.badData, "\(place): rank \(rank) is not 1 to \(maximumRank)")
        }
        var shape: [Int] = []
        var elementCount = 1
        for _ in 0..<rank {
            guard let extent = Int(exactly: try cursor.integer(UInt64.self)), extent > 0 else {
                throw LetheError(.badData, "\(place): an extent is zero or too large")
            }
            let (product, overflow) = elementCount.multipliedReportingOverflow(by: extent)
            guard !overflow else { throw LetheError(.badData, "\(place): the shape overflows") }
            elementCount = product
            shape.append(extent)
        }
        let typeNumber = try cursor.integer(UInt32.self)
        guard let type = GGMLType(rawValue: typeNumber) else {
            throw LetheError(.unsupported, "\(place): encoding \(typeNumber) is unknown")
        }
        guard shape[0] % type.blockSize == 0 else {
            throw LetheError(.badData, "\(place): a row is no whole number of \(type.blockSize)-element blocks")
        }
        let (byteCount, overflow) = (elementCount / type.blockSize)
            .multipliedReportingOverflow(by: type.blockByteCount)
        guard !overflow else { throw LetheError(.badData, "\(place): the shape overflows") }
        guard let offset = Int(exactly: try cursor.integer(UInt64.self)) else {
            throw LetheError(.badData, "\(place): the offset is too large")
        }
        shape.reverse()
        let info = TensorInfo(
            name: name, encoding: .ggml(type), shape: shape, elementCount: elementCount, byteCount: byteCount)
        return (info, offset)
    }

    private static func ranges(
        _ tensors: [TensorInfo], _ offsets: [Int], headerEnd: Int, alignment: Int, fileSize: Int, limits: FormatLimits,
        context: String
    ) throws -> [Range<Int>] {
        guard !tensors.isEmpty else { return [] }
        let padding = (alignment - headerEnd % alignment) % alignment
        guard padding <= fileSize - headerEnd else { throw LetheError(.badData, "\(context): the file has no data") }
        let dataStart = headerEnd + padding
        let dataByteCount = fileSize - dataStart
        guard dataByteCount <= limits.dataBytes else {
            throw LetheError(
                .limitExceeded, "\(context): \(dataByteCount) bytes of data, more than \(limits.dataBytes)")
        }
        var ranges: [Range<Int>] = []
        ranges.reserveCapacity(tensors.count)
        for (index, (info, offset)) in zip(tensors, offsets).enumerated() {
            guard offset <= dataByteCount, info.byteCount <= dataByteCount - offset else {
                throw LetheError(.badData, "\(context): the data of tensor \(index) runs beyond the end of the file")
            }
            ranges.append(dataStart + offset..<dataStart + offset + info.byteCount)
        }
        let order = ranges.indices.sorted { ranges[$0].lowerBound < ranges[$1].lowerBound }
        for (first, second) in zip(order, order.dropFirst())
        where ranges[second].lowerBound < ranges[first].upperBound {
            throw LetheError(.badData, "\(context): the data of tensors \(first) and \(second) overlaps")
        }
        return ranges
    }
}

/// Reads the values of a GGUF header one after the other; every read is checked against what is left.
private struct GGUFCursor {
    let bytes: UnsafeRawBufferPointer
    let context: String
    var position = 0

    init(_ bytes: UnsafeRawBufferPointer, context: String) {
        self.bytes = bytes
        self.context = context
    }

    var remaining: Int { bytes.count - position }

    mutating func integer<T: FixedWidthInteger>(_ type: T.Type) throws -> T {
        let size = MemoryLayout<T>.size
        guard remaining >= size else { throw truncated() }
        defer { position += size }
        return T(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: T.self))
    }

    mutating func string(limit: Int, _ what: String) throws -> String {
        let length = try integer(UInt64.self)
        guard length <= UInt64(remaining) else {
            throw LetheError(.badData, "\(context): byte \(position): \(what) is longer than the rest of the file")
        }
        guard length <= UInt64(limit) else {
            throw LetheError(.limitExceeded, "\(context): byte \(position): \(what) is longer than \(limit) bytes")
        }
        let end = position + Int(length)
        guard let string = String(validating: UnsafeRawBufferPointer(rebasing: bytes[position..<end]), as: UTF8.self)
        else { throw LetheError(.badData, "\(context): byte \(position): \(what) is not valid UTF-8") }
        position = end
        return string
    }

    mutating func bool() throws -> Bool {
        let byte = try integer(UInt8.self)
        guard byte <= 1 else {
            throw LetheError(.badData, "\(context): byte \(position - 1): a truth value is not 0 or 1")
        }
        return byte == 1
    }

    mutating func value(_ what: String) throws -> GGUFValue {
        switch try integer(UInt32.self) {
        case 0: return .uint8(try integer(UInt8.self))
        case 1: return .int8(try integer(Int8.self))
        case 2: return .uint16(try integer(UInt16.self))
        case 3: return .int16(try integer(Int16.self))
        case 4: return .uint32(try integer(UInt32.self))
        case 5: return .int32(try integer(Int32.self))
        case 6: return .float32(Float(bitPattern: try integer(UInt32.self)))
        case 7: return .bool(try bool())
        case 8: return .string(try string(limit: .max, "value of \(what)"))
        case 9: return .array(try array(what))
        case 10: return .uint64(try integer(UInt64.self))
        case 11: return .int64(try integer(Int64.self))
        case 12: return .float64(Double(bitPattern: try integer(UInt64.self)))
        case let type: throw LetheError(.badData, "\(context): \(what): value type \(type) is unknown")
        }
    }

    private mutating func array(_ what: String) throws -> GGUFArray {
        let type = try integer(UInt32.self)
        let count = try integer(UInt64.self)
        switch type {
        case 0: return .uint8(try integers(count, what))
        case 1: return .int8(try integers(count, what))
        case 2: return .uint16(try integers(count, what))
        case 3: return .int16(try integers(count, what))
        case 4: return .uint32(try integers(count, what))
        case 5: return .int32(try integers(count, what))
        case 6: return .float32(try integers(count, what).map { Float(bitPattern: $0) })
        case 7: return .bool(try elements(count, minimumBytes: 1, what) { cursor, _ in try cursor.bool() })
        case 8:
            return .string(
                try elements(count, minimumBytes: 8, what) { cursor, index in
                    try cursor.string(limit: .max, "element \(index) of \(what)")
                })
        case 9: throw LetheError(.unsupported, "\(context): \(what): an array of arrays is not supported")
        case 10: return .uint64(try integers(count, what))
        case 11: return .int64(try integers(count, what))
        case 12: return .float64(try integers(count, what).map { Double(bitPattern: $0) })
        default: throw LetheError(.badData, "\(context): \(what): element type \(type) is unknown")
        }
    }

    private mutating func integers<T: FixedWidthInteger>(_ count: UInt64, _ what: String) throws -> [T] {
        try elements(count, minimumBytes: MemoryLayout<T>.size, what) { cursor, _ in try cursor.integer(T.self) }
    }

    private mutating func elements<T>(
        _ count: UInt64, minimumBytes: Int, _ what: String, _ read: (inout GGUFCursor, Int) throws -> T
    ) throws -> [T] {
        guard count <= UInt64(remaining / minimumBytes) else {
            throw LetheError(.badData, "\(context): \(what): \(count) elements do not fit into the rest of the file")
        }
        var values: [T] = []
        values.reserveCapacity(Int(count))
        for index in 0..<Int(count) { values.append(try read(&self, index)) }
        return values
    }

    private func truncated() -> LetheError {
        LetheError(.badData, "\(context): byte \(position): the file ends within its header")
    }
}
