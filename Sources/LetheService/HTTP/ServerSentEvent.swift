import Foundation

/// The text of one event stream, as the WHATWG HTML standard describes it in "Server-sent events".
enum ServerSentEvent {
    /// The media type of a stream.
    static let contentType = "text/event-stream"

    /// One event. The data has to be one line, which serialised JSON is.
    static func event(id: Int64, type: String, data: Data) -> Data {
        var text = Data("id: \(id)\nevent: \(type)\ndata: ".utf8)
        text.append(data)
        text.append(contentsOf: "\n\n".utf8)
        return text
    }

    /// The time after which a client that lost the connection comes back.
    static func retry(milliseconds: Int) -> Data { Data("retry: \(milliseconds)\n\n".utf8) }

    /// A comment, which keeps the connection busy and means nothing.
    static let ping = Data(": ping\n\n".utf8)
}
