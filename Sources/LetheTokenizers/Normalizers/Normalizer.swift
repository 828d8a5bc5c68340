/// Text on its way through the normalizers: valid UTF-8.
struct NormalizedText {
    /// The text.
    var bytes: [UInt8]
    /// Whether characters of the original have been removed from its beginning. What is left then does not begin where
    /// the original began, which Metaspace's "first" scheme asks for.
    var lostStart = false

    /// A text that nothing has been done to.
    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Removes the scalars that a condition does not keep.
    mutating func keep(where condition: (UInt32) -> Bool) {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            let (value, length) = UTF8Scalars.decode(bytes, at: index)
            if condition(value) {
                result.append(contentsOf: bytes[index..<index + length])
            } else if result.isEmpty {
                lostStart = true
            }
            index += length
        }
        bytes = result
    }
}

/// The part of a tokenizer that rewrites text before it is cut.
protocol Normalizer: Sendable {
    /// Rewrites a text.
    ///
    /// - Throws: ``LetheError`` with `limitExceeded` where the text grows beyond what is allowed.
    func apply(to text: inout NormalizedText) throws
}

/// Normalizers one after another.
struct NormalizerSequence: Normalizer {
    let steps: [any Normalizer]

    func apply(to text: inout NormalizedText) throws {
        for step in steps {
            try step.apply(to: &text)
            try TokenizerLimits.checkWorkingBytes(text.bytes.count)
        }
    }
}
