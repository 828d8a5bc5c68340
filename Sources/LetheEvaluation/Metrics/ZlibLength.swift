import CZlib
import LetheCore

/// The size of a text after compression, which some membership scores divide by.
public enum ZlibLength {
    /// Bytes of the text in UTF-8 after zlib compression at the default level, headers included; as Python's
    /// `len(zlib.compress(...))`.
    /// - Throws: `limit_exceeded` for 1 GiB and more, `internal` when zlib fails.
    public static func compressedBytes(_ text: String) throws -> Int {
        var text = text
        return try text.withUTF8 { input in
            guard input.count < 1 << 30 else {
                throw LetheError(.limitExceeded, "text: \(input.count) bytes; zlib scoring stops below 1 GiB")
            }
            var size = compressBound(uLong(input.count))
            let output = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: Int(size))
            defer { output.deallocate() }
            let status = compress(output.baseAddress, &size, input.baseAddress, uLong(input.count))
            guard status == Z_OK else { throw LetheError(.internalError, "zlib returned status \(status)") }
            return Int(size)
        }
    }
}
