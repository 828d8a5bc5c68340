import Foundation

/// Base64 (RFC 4648) of which every text stands for one value only: canonical padding, no stray bits or characters.
enum Base64 {
    /// Standard alphabet; nil for anything but the canonical text.
    static func strict(_ text: String) -> Data? {
        guard let data = Data(base64Encoded: text), data.base64EncodedString().utf8.elementsEqual(text.utf8) else {
            return nil
        }
        return data
    }

    /// URL-safe alphabet without padding; nil for anything but the canonical text.
    static func strict(url text: String) -> Data? {
        guard !text.utf8.contains(where: { $0 == 43 || $0 == 47 || $0 == 61 }) else { return nil }
        var standard = text.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
        standard += String(repeating: "=", count: (4 - standard.utf8.count % 4) % 4)
        return strict(standard)
    }

    /// URL-safe, without padding.
    static func url(_ data: Data) -> String {
        data.base64EncodedString().replacingOccurrences(of: "+", with: "-")
            .replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
    }
}
