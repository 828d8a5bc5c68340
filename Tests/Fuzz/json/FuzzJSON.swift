import LetheCore

/// Parses the input as JSON: either an error is thrown, or what the writer makes of the value parses to an equal one.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzJSON(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let bytes = UnsafeRawBufferPointer(start: data, count: size)
    guard let value = try? JSONParser.parse(bytes, context: "fuzz") else { return 0 }
    for pretty in [false, true] {
        let text = value.serialized(pretty: pretty, sortedKeys: pretty)
        guard let again = try? JSONParser.parse(text, context: "fuzz") else { preconditionFailure("not readable") }
        precondition(again == value)
    }
    return 0
}
