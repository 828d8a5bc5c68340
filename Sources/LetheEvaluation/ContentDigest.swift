import Crypto
import Foundation
import LetheCore
import LetheModel
import LetheTokenizers

/// SHA-256 over parts, each with its length before it, so that no two lists of parts run together.
public struct ContentDigest {
    private var hasher = SHA256()

    /// The digest of nothing yet.
    public init() {}

    /// Adds a part.
    public mutating func add(_ part: Data) {
        part.withUnsafeBytes { add(bytes: $0) }
    }

    /// Adds a part.
    public mutating func add(_ part: String) { add(Data(part.utf8)) }

    /// Adds a part.
    public mutating func add(bytes: UnsafeRawBufferPointer) {
        withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { hasher.update(bufferPointer: $0) }
        hasher.update(bufferPointer: bytes)
    }

    /// 64 lower-case hexadecimal digits.
    public var hexadecimal: String {
        hasher.finalize().map { byte in
            let digits = String(byte, radix: 16)
            return byte < 16 ? "0" + digits : digits
        }.joined()
    }
}

extension LanguageModel {
    /// A digest of everything that decides what the model says: config.json, tokenizer.json and the weights in fp32.
    /// The same model gives the same digest from whichever format it was read.
    /// - Throws: `unsupported` for frozen bfloat16 weights or a tokenizer that cannot be written.
    public func contentDigest() throws -> String {
        var digest = ContentDigest()
        digest.add(JSONValue.object(config).serialized(sortedKeys: true))
        digest.add(try tokenizer.tokenizerJSON())
        for slot in slots {
            guard let values = try values(of: slot) else { continue }
            digest.add(slot.name)
            values.withUnsafeBytes { digest.add(bytes: $0) }
        }
        return digest.hexadecimal
    }
}
