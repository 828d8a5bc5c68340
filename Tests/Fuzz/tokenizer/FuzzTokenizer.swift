import Foundation
import LetheCore
import LetheTokenizers

/// Texts that reach most stages of a tokenizer.
private let texts = [
    "", " Hello, world's  123 4567\n\n", "naïve Ünïcødé e\u{301} 日本語 😀👩‍👩‍👧 \u{0}\u{7f}\u{ad}\u{200b}",
    "<|endoftext|><s>a</s>[CLS] ##x ▁y",
]

/// Reads the input as tokenizer.json: either an error is thrown, or texts become ids of the vocabulary and ids become
/// text.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzTokenizer(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let bytes = data.map { Data(bytes: $0, count: size) } ?? Data()
    guard let tokenizer = try? TokenizerLoader.tokenizerJSON(bytes) else { return 0 }
    for text in texts {
        for special in [false, true] {
            guard let ids = try? tokenizer.encode(text, addSpecialTokens: special) else { continue }
            for id in ids { precondition(id >= 0 && Int(id) < tokenizer.vocabularySize) }
            _ = tokenizer.decode(ids, skipSpecialTokens: special)
        }
    }
    _ = tokenizer.decode([-1, 0, 1, Int32.max, Int32.min], skipSpecialTokens: false)
    return 0
}
