import LetheCore

/// The checked header of a safetensors file: 8 bytes of little-endian length, then that many bytes of JSON.
///
/// Accepted is what the published format describes, within ``FormatLimits``: tensors that lie end to end from the
/// start of the data to its end, each with a byte count that equals its shape times its element size.
package struct SafetensorsHeader: Sendable {
    /// The tensors in the order of their data.
    package let tensors: [TensorInfo]
    /// Where each tensor lies in the file, in the same order.
    package let ranges: [Range<Int>]
    /// The strings under `__metadata__`.
    package let metadata: [String: String]

    /// Reads and checks the header of a whole file.
    ///
    /// - Throws: ``LetheError`` with `badData`, `limitExceeded`, or `unsupported` for an element type that is unknown.
    ///   Messages name tensors by their position in the header.
    package init(
        file bytes: UnsafeRawBufferPointer, limits: FormatLimits = .default, context: String
    ) throws {
        guard bytes.count >= 8 else { throw LetheError(.badData, "\(context): too short for a safetensors file") }
        let declared = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard declared <= UInt64(bytes.count - 8) else {
            throw LetheError(.badData, "\(context): the header claims \(declared) bytes, the file ends before")
        }
        guard declared <= UInt64(limits.headerBytes) else {
            throw LetheError(
                .limitExceeded, "\(context): the header claims \(declared) bytes, more than \(limits.headerBytes)")
        }
        let dataStart = 8 + Int(declared)
        guard declared > 0, bytes[8] == UInt8(ascii: "{") else {
            throw LetheError(.badData, "\(context): the header is no JSON object")
        }
        let json = try JSONParser.parse(
            UnsafeRawBufferPointer(rebasing: bytes[8..<dataStart]),
            limits: .init(maximumBytes: limits.headerBytes, maximumDepth: 3, maximumElements: 4_000_000),
            context: "\(context): header")
        guard let object = json.objectValue else {
            throw LetheError(.badData, "\(context): the header is no JSON object")
        }
        let dataByteCount = bytes.count - dataStart
        guard dataByteCount <= limits.dataBytes else {
            throw LetheError(
                .limitExceeded, "\(context): \(dataByteCount) bytes of data, more than \(limits.dataBytes)")
        }
        try self.init(object, dataStart: dataStart, dataByteCount: dataByteCount, limits: limits, context: context)
    }

    private init(
        _ object: JSONObject, dataStart: Int, dataByteCount: Int, limits: FormatLimits, context: String
    ) throws {
        var metadata: [String: String] = [:]
        var parsed: [(info: TensorInfo, begin: Int, end: Int)] = []
        guard object.count <= limits.tensors + 1 else {
            throw LetheError(.limitExceeded, "\(context): \(object.count) tensors are more than \(limits.tensors)")
        }
        parsed.reserveCapacity(object.count)
        for (index, entry) in object.entries.enumerated() {
            if entry.key == "__metadata__" {
                metadata = try Self.metadata(entry.value, context: context)
            } else {
                parsed.append(try Self.tensor(entry.key, entry.value, "\(context): tensor \(index)", limits))
            }
        }
        guard parsed.count <= limits.tensors else {
            throw LetheError(.limitExceeded, "\(context): \(parsed.count) tensors are more than \(limits.tensors)")
        }
        let order = parsed.indices.sorted {
            (parsed[$0].begin, parsed[$0].end, $0) < (parsed[$1].begin, parsed[$1].end, $1)
        }
        var tensors: [TensorInfo] = []
        var ranges: [Range<Int>] = []
        tensors.reserveCapacity(parsed.count)
        ranges.reserveCapacity(parsed.count)
        var expected = 0
        for index in order {
            let (info, begin, end) = parsed[index]
            guard begin == expected else {
                let problem = begin < expected ? "overlaps the one before" : "leaves a gap before it"
                throw LetheError(.badData, "\(context): the data of a tensor \(problem), at offset \(begin)")
            }
            guard end <= dataByteCount else {
                throw LetheError(.badData, "\(context): the data of a tensor runs beyond the end of the file")
            }
            expected = end
            tensors.append(info)
            ranges.append(dataStart + begin..<dataStart + end)
        }
        guard expected == dataByteCount else {
            throw LetheError(.badData, "\(context): \(dataByteCount - expected) bytes after the last tensor")
        }
        self.tensors = tensors
        self.ranges = ranges
        self.metadata = metadata
    }

    private static func metadata(_ value: JSONValue, context: String) throws -> [String: String] {
        guard let object = value.objectValue else {
            throw LetheError(.badData, "\(context): __metadata__ is no object")
        }
        var metadata: [String: String] = [:]
        for (key, value) in object.entries {
            guard let string = value.stringValue else {
                throw LetheError(.badData, "\(context): __metadata__ holds something else than strings")
            }
            metadata[key] = string
        }
        return metadata
    }

    private static func tensor(
        _ name: String, _ value: JSONValue, _ place: String, _ limits: FormatLimits
    ) throws -> (info: TensorInfo, begin: Int, end: Int) {
        guard name.utf8.count <= limits.nameBytes else {
            throw LetheError(.limitExceeded, "\(place): the name is longer than \(limits.nameBytes) bytes")
        }
        guard let object = value.objectValue else { throw LetheError(.badData, "\(place): is no object") }
        guard let typeName = object["dtype"]?.stringValue else {
            throw LetheError(.badData, "\(place): dtype is missing or no string")
        }
        guard let extents = object["shape"]?.arrayValue else {
            throw LetheError(.badData, "\(place): shape is missing or no array")
        }
        guard let offsets = object["data_offsets"]?.arrayValue, offsets.count == 2 else {
            throw LetheError(.badData, "\(place): data_offsets is missing or no pair")
        }
        guard object.count == 3 else { throw LetheError(.badData, "\(place): has an unknown field") }
        guard let type = ElementType(rawValue: typeName) else {
            throw LetheError(.unsupported, "\(place): dtype is none of the supported ones")
        }
        guard extents.count <= limits.rank else {
            throw LetheError(.limitExceeded, "\(place): rank \(extents.count) is more than \(limits.rank)")
        }
        let shape = try extents.map { try natural($0, "\(place): an extent") }
        let begin = try natural(offsets[0], "\(place): an offset")
        let end = try natural(offsets[1], "\(place): an offset")
        guard begin <= end else { throw LetheError(.badData, "\(place): the data ends before it begins") }
        var elementCount = 1
        for extent in shape {
            let (product, overflow) = elementCount.multipliedReportingOverflow(by: extent)
            guard !overflow else { throw LetheError(.badData, "\(place): the shape overflows") }
            elementCount = product
        }
        let (byteCount, overflow) = elementCount.multipliedReportingOverflow(by: type.byteSize)
        guard !overflow else { throw LetheError(.badData, "\(place): the shape overflows") }
        guard byteCount == end - begin else {
            throw LetheError(.badData, "\(place): \(end - begin) bytes of data for a shape of \(byteCount) bytes")
        }
        let info = TensorInfo(
            name: name, encoding: .element(type), shape: shape, elementCount: elementCount, byteCount: byteCount)
        return (info, begin, end)
    }

    /// A number written as an integer, zero or positive.
    private static func natural(_ value: JSONValue, _ what: String) throws -> Int {
        guard case .integer(let number) = value, number >= 0, let result = Int(exactly: number) else {
            throw LetheError(.badData, "\(what) is no integer from 0 to 2^63 - 1")
        }
        return result
    }
}
