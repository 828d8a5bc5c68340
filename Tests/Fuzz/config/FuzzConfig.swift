import LetheCore
import LetheModel

/// Reads the input as config.json: either an error is thrown, or the shape that comes out has a list of tensors.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzConfig(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let bytes = UnsafeRawBufferPointer(start: data, count: size)
    guard let json = try? JSONParser.parse(bytes, limits: .modelFile, context: "fuzz"),
        let reader = try? ModelConfigReader(json), let type = try? reader.modelType(),
        let family = try? ModelFamilies.family(type), let configuration = try? family.configuration(reader)
    else { return 0 }
    guard (try? configuration.validate()) != nil else { return 0 }
    precondition(!family.slots(configuration).isEmpty)
    _ = reader.endOfTextIDs()
    return 0
}
