import LetheCore

/// The query of a request target, decoded strictly: known names only, each once, valid percent escapes, valid UTF-8.
struct QueryParameters {
    private var values: [String: String] = [:]

    /// - Parameters:
    ///   - target: The request target, with or without a query.
    ///   - names: The names that the operation knows.
    /// - Throws: ``Problem`` with status 400. The detail names known parameters only.
    init(target: String, allowing names: [String]) throws {
        guard let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) else { return }
        let query = target[target.utf8.index(after: mark)...]
        for pair in query.utf8.split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: true) {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decode(parts[0]), names.contains(where: { $0.hasSameBytes(as: name) }) else {
                throw Problem.badRequest(
                    names.isEmpty
                        ? "this operation takes no query parameters"
                        : "unknown query parameter; known are \(names.joined(separator: ", "))")
            }
            guard parts.count == 2, let value = Self.decode(parts[1]) else {
                throw Problem.badRequest("query parameter \(name): not a valid value")
            }
            guard values.updateValue(value, forKey: name) == nil else {
                throw Problem.badRequest("query parameter \(name): given more than once")
            }
        }
    }

    /// The decoded value; nil when absent.
    subscript(name: String) -> String? { values[name] }

    /// A whole number within bounds.
    func integer(_ name: String, in bounds: ClosedRange<Int>) throws -> Int? {
        guard let text = values[name] else { return nil }
        guard let number = Self.decimal(text), bounds.contains(number) else {
            throw Problem.badRequest(
                "query parameter \(name): must be a whole number from \(bounds.lowerBound) to \(bounds.upperBound)")
        }
        return number
    }

    /// `true` or `false`.
    func boolean(_ name: String) throws -> Bool? {
        guard let text = values[name] else { return nil }
        guard let value = Bool(text) else {
            throw Problem.badRequest("query parameter \(name): must be true or false")
        }
        return value
    }

    /// One of a closed set of words.
    func word<Word: RawRepresentable & CaseIterable>(_ name: String, _: Word.Type) throws -> Word?
    where Word.RawValue == String {
        guard let text = values[name] else { return nil }
        guard let word = Word(rawValue: text) else {
            throw Problem.badRequest(
                "query parameter \(name): must be one of \(Word.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return word
    }

    /// Decimal digits only: no sign, no blanks, no leading zeros.
    static func decimal(_ text: String) -> Int? {
        let bytes = text.utf8
        guard (1...19).contains(bytes.count), bytes.allSatisfy({ (48...57).contains($0) }),
            bytes.count == 1 || bytes.first != 48
        else { return nil }
        return Int(text)
    }

    private static func decode(_ bytes: Substring.UTF8View) -> String? {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var iterator = bytes.makeIterator()
        while let byte = iterator.next() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = iterator.next().flatMap(hexDigit), let low = iterator.next().flatMap(hexDigit) else {
                    return nil
                }
                decoded.append(high << 4 | low)
            case UInt8(ascii: "+"): decoded.append(UInt8(ascii: " "))
            default: decoded.append(byte)
            }
        }
        return String(validating: decoded, as: UTF8.self)
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 48...57: byte - 48
        case 65...70: byte - 55
        case 97...102: byte - 87
        default: nil
        }
    }
}
