import Crypto
import Foundation
import LetheCore

/// The position in a list, as text that only this store can make and that fits one filter only.
///
/// Form: base64url of 8 bytes time, 36 bytes id and the first 16 bytes of an HMAC over both and the filter.
struct ListCursor {
    /// The last row of the page before.
    struct Position {
        var createdAt: Int64
        var id: String
    }

    let master: MasterKey
    let filter: RequestFilter

    func encode(_ position: Position) -> String {
        let body = self.body(position)
        let text = (body + code(body)).base64EncodedString()
        return text.replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
    }

    /// - Throws: ``LetheError`` with code `bad_data`.
    func decode(_ text: String) throws -> Position {
        let base64 = text.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
        guard text.utf8.count == 80, let data = Data(base64Encoded: base64), data.count == 60 else {
            throw Self.invalid
        }
        let body = data.prefix(44)
        guard ConstantTime.areEqual(data.suffix(16), code(Data(body))) else { throw Self.invalid }
        let time = body.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return Position(createdAt: Int64(bitPattern: time), id: String(decoding: body.dropFirst(8), as: UTF8.self))
    }

    private static let invalid = LetheError(.badData, "cursor: is not one of this list")

    private func body(_ position: Position) -> Data {
        var data = Data()
        withUnsafeBytes(of: position.createdAt.bigEndian) { data.append(contentsOf: $0) }
        data.append(contentsOf: position.id.utf8)
        return data
    }

    private func code(_ body: Data) -> Data {
        let fields = [
            filter.state?.rawValue, filter.kind?.rawValue, filter.category?.rawValue, filter.model, filter.reference,
            filter.order.rawValue,
        ]
        var message = body
        for field in fields { message.append(contentsOf: "\(field.map { "\($0.utf8.count) \($0)" } ?? "-")\n".utf8) }
        return master.digest("cursor", message).prefix(16)
    }
}
