import LetheCore
import LetheModel
import LetheTokenizers

/// Reads the input as a GGUF file: either an error is thrown, or every tensor lies inside the file, those of a
/// readable encoding can be decoded, and the vocabulary is found or refused.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzGGUF(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let bytes = UnsafeRawBufferPointer(start: data, count: size)
    guard let header = try? GGUFHeader(file: bytes, context: "fuzz") else { return 0 }
    for (info, range) in zip(header.tensors, header.ranges) {
        precondition(range.upperBound <= size && range.count == info.byteCount)
        guard info.encoding.isReadableAsFloat32 else { continue }
        var values = [Float](repeating: 0, count: info.elementCount)
        values.withUnsafeMutableBufferPointer { info.decode(UnsafeRawBufferPointer(rebasing: bytes[range]), into: $0) }
    }
    var metadata: [String: GGUFValue] = [:]
    for (key, value) in header.entries { metadata[key] = value }
    _ = try? GGUFVocabulary(metadata: metadata, context: "fuzz")
    return 0
}
