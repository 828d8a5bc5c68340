/// A token that is matched in the text itself, before the model sees it.
struct AddedToken {
    var id: Int32
    /// UTF-8 of the token.
    var content: [UInt8]
    /// Whether it may not touch word characters on either side.
    var isSingleWord = false
    /// Whether white space to its left belongs to it.
    var stripsLeft = false
    /// Whether white space to its right belongs to it.
    var stripsRight = false
    /// Whether it is looked for in normalized text rather than in the original.
    var isNormalized = false
    /// Whether it is left out of decoded text on request.
    var isSpecial = false
}
