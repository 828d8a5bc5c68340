import Foundation
import LetheCore

/// Reads an event stream piece by piece, as the WHATWG HTML standard parses `text/event-stream`.
package struct EventStreamParser {
    /// One event that the stream dispatched.
    package struct Event: Sendable, Equatable {
        /// The last `id:` seen up to this event.
        package var id: String
        /// The `event:` field; `message` when there was none.
        package var type: String
        /// The `data:` lines, joined with line feeds.
        package var data: String

        package init(id: String, type: String, data: String) {
            self.id = id
            self.type = type
            self.data = data
        }
    }

    /// Bytes of one line, and of the data of one event.
    package static let maximumBytes = 4 << 20

    /// The last time in milliseconds that the stream asked clients to wait before they come back.
    package private(set) var retryMilliseconds: Int?
    private var line: [UInt8] = []
    private var lastWasCarriageReturn = false
    private var isFirstLine = true
    private var id = ""
    private var type = ""
    private var data: [String] = []
    private var dataBytes = 0

    package init() {}

    /// Takes more bytes and returns the events that they complete.
    /// - Throws: `limitExceeded` for an endless line or event.
    package mutating func feed(_ bytes: Data) throws -> [Event] {
        var events: [Event] = []
        for byte in bytes {
            switch byte {
            case 0x0A where lastWasCarriageReturn: lastWasCarriageReturn = false
            case 0x0A, 0x0D:
                lastWasCarriageReturn = byte == 0x0D
                if let event = try endLine() { events.append(event) }
            default:
                lastWasCarriageReturn = false
                guard line.count < Self.maximumBytes else {
                    throw LetheError(.limitExceeded, "event stream: a line is over \(Self.maximumBytes) bytes")
                }
                line.append(byte)
            }
        }
        return events
    }

    private mutating func endLine() throws -> Event? {
        defer {
            line.removeAll(keepingCapacity: true)
            isFirstLine = false
        }
        if isFirstLine, line.starts(with: [0xEF, 0xBB, 0xBF]) { line.removeFirst(3) }
        guard !line.isEmpty else { return dispatch() }
        let colon = line.firstIndex(of: UInt8(ascii: ":"))
        if colon == line.startIndex { return nil }
        let name = String(decoding: line[..<(colon ?? line.endIndex)], as: UTF8.self)
        var bytes = colon.map { line[($0 + 1)...] } ?? []
        if bytes.first == UInt8(ascii: " ") { bytes.removeFirst() }
        let value = String(decoding: bytes, as: UTF8.self)
        switch name {
        case "id": if !bytes.contains(0) { id = value }
        case "event": type = value
        case "data":
            dataBytes += bytes.count
            guard dataBytes <= Self.maximumBytes else {
                throw LetheError(.limitExceeded, "event stream: an event is over \(Self.maximumBytes) bytes")
            }
            data.append(value)
        case "retry":
            if let milliseconds = QueryParameters.decimal(value) { retryMilliseconds = milliseconds }
        default: break
        }
        return nil
    }

    private mutating func dispatch() -> Event? {
        defer {
            type = ""
            data = []
            dataBytes = 0
        }
        guard !data.isEmpty else { return nil }
        return Event(id: id, type: type.isEmpty ? "message" : type, data: data.joined(separator: "\n"))
    }
}
