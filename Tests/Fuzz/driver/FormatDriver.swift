import Foundation
import LetheCore
import LetheModel

/// A small command for the scripts in Tests/Interop, built by `Scripts/fuzz.sh driver`.
///
///     driver safetensors            what the reader says of each file on standard input
///     driver convert IN OUT TYPE    writes every readable tensor of IN as TYPE (F32, F16, BF16) to OUT.safetensors, or
///                                   as TYPE (F32, F16, Q8_0) to OUT.gguf
@main
enum FormatDriver {
    static func main() {
        let arguments = CommandLine.arguments
        do {
            switch (arguments.dropFirst().first, arguments.count) {
            case ("safetensors", 2): try checkSafetensors()
            case ("convert", 5): try convert(arguments[2], arguments[3], arguments[4])
            default:
                FileHandle.standardError.write(Data("usage: driver safetensors | convert IN OUT TYPE\n".utf8))
                exit(64)
            }
        } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            exit(65)
        }
    }

    /// Reads files as a 32-bit little-endian length and that many bytes each, and answers each with a line of JSON:
    /// the error, or the tensors with type, shape and position in the file.
    private static func checkSafetensors() throws {
        let input = FileHandle.standardInput
        let output = FileHandle.standardOutput
        while let prefix = try input.read(upToCount: 4), prefix.count == 4 {
            let length = prefix.reversed().reduce(0) { $0 << 8 | Int($1) }
            let data = length == 0 ? Data() : try input.read(upToCount: length) ?? Data()
            var line = data.withUnsafeBytes { answer($0) }.serialized()
            line.append(0x0A)
            try output.write(contentsOf: line)
        }
    }

    private static func answer(_ bytes: UnsafeRawBufferPointer) -> JSONValue {
        do {
            let header = try SafetensorsHeader(file: bytes, context: "file")
            let tensors = zip(header.tensors, header.ranges).map { info, range -> JSONValue in
                [
                    .string(info.name), .string(info.encoding.name),
                    .array(info.shape.map { .integer(Int64($0)) }),
                    .integer(Int64(range.lowerBound)), .integer(Int64(range.upperBound)),
                ]
            }
            return ["tensors": .array(tensors)]
        } catch let error as LetheError {
            return ["code": .string(error.code.rawValue), "message": .string(error.message)]
        } catch { return ["code": "other", "message": "another kind of error"] }
    }

    private static func convert(_ source: String, _ target: String, _ type: String) throws {
        let reader = try Checkpoint.open(URL(fileURLWithPath: source))
        let infos = reader.tensorNames.compactMap { reader.info($0) }.filter(\.encoding.isReadableAsFloat32)
        let url = URL(fileURLWithPath: target)
        if target.hasSuffix(".gguf") {
            let metadata = (reader as? GGUFFile).map { file in
                file.metadataKeys.filter { $0 != "general.alignment" }.compactMap { key in
                    file.metadata[key].map { (key: key, value: $0) }
                }
            }
            let tensors = infos.map { info -> (name: String, type: GGMLType, shape: [Int]) in
                let wanted = GGMLType.allCases.first { $0.name == type } ?? .f32
                let fits = (info.shape.last ?? 1) % wanted.blockSize == 0
                return (info.name, fits ? wanted : .f32, info.shape)
            }
            let writer = try GGUFWriter(
                url, metadata: metadata ?? [("general.architecture", .string("test"))], tensors: tensors)
            for info in infos { try writer.write(info.name, from: try reader.readFloat32(info.name)) }
            try writer.finish()
        } else {
            guard let wanted = ElementType(rawValue: type) else { throw LetheError(.usage, "unknown type") }
            let writer = try SafetensorsWriter(url, tensors: infos.map { ($0.name, wanted, $0.shape) })
            for info in infos { try writer.write(info.name, from: try reader.readFloat32(info.name)) }
            try writer.finish()
        }
    }
}
