import LetheCore
import LetheModel

/// Reads the input as a safetensors file: either an error is thrown, or every tensor lies inside the file, the tensors
/// cover the data without gap or overlap, and those of a readable type can be decoded.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzSafetensors(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let bytes = UnsafeRawBufferPointer(start: data, count: size)
    guard let header = try? SafetensorsHeader(file: bytes, context: "fuzz") else { return 0 }
    var end = header.ranges.first?.lowerBound ?? size
    for (info, range) in zip(header.tensors, header.ranges) {
        precondition(range.lowerBound == end && range.upperBound <= size && range.count == info.byteCount)
        end = range.upperBound
        guard info.encoding.isReadableAsFloat32 else { continue }
        var values = [Float](repeating: 0, count: info.elementCount)
        values.withUnsafeMutableBufferPointer { info.decode(UnsafeRawBufferPointer(rebasing: bytes[range]), into: $0) }
    }
    precondition(end == size)
    return 0
}
