import Foundation
import LetheCore
import LetheService
import Testing

@Suite struct EventStreamParserTests {
    private static func parse(_ text: String, pieces: Int = .max) throws -> [EventStreamParser.Event] {
        var parser = EventStreamParser()
        var events: [EventStreamParser.Event] = []
        var rest = Data(text.utf8)[...]
        while !rest.isEmpty {
            events += try parser.feed(rest.prefix(pieces))
            rest = rest.dropFirst(pieces)
        }
        return events
    }

    /// The examples of the HTML standard, and the line ends it allows.
    @Test(arguments: [1, 2, 3, 7, Int.max])
    func `events are read however they are cut`(pieces: Int) throws {
        let text = """
            : a comment\n\ndata: first\nid: 1\n\ndata:second\nid\n\ndata:  third\n\n\
            event: add\ndata: 73857293\n\nretry: 10\nevent: none\n\n\
            data\n\ndata\ndata\n\ndata: YHOO\r\ndata: +2\r\ndata: 10\r\n\r\nid: 9\rdata: old mac\r\rdata: unfinished
            """
        let events = try Self.parse(text, pieces: pieces)
        typealias Event = EventStreamParser.Event
        #expect(
            events == [
                Event(id: "1", type: "message", data: "first"), Event(id: "", type: "message", data: "second"),
                Event(id: "", type: "message", data: " third"), Event(id: "", type: "add", data: "73857293"),
                Event(id: "", type: "message", data: ""), Event(id: "", type: "message", data: "\n"),
                Event(id: "", type: "message", data: "YHOO\n+2\n10"), Event(id: "9", type: "message", data: "old mac"),
            ])
    }

    @Test func `a byte order mark at the start is passed over`() throws {
        #expect(try Self.parse("\u{FEFF}data: x\n\n").first?.data == "x")
        #expect(try Self.parse("data: a\n\n\u{FEFF}data: x\n\n").count == 1)
    }

    @Test func `an id with NUL is ignored, and a retry that is no number`() throws {
        var parser = EventStreamParser()
        let events = try parser.feed(Data("id: 1\u{0}\nretry: soon\ndata: x\n\n".utf8))
        #expect(events == [EventStreamParser.Event(id: "", type: "message", data: "x")])
        #expect(parser.retryMilliseconds == nil)
        _ = try parser.feed(Data("retry: 250\n\n".utf8))
        #expect(parser.retryMilliseconds == 250)
    }

    @Test func `an endless line is given up`() {
        var parser = EventStreamParser()
        #expect {
            for _ in 0..<5 { _ = try parser.feed(Data(repeating: 97, count: 1 << 20)) }
        } throws: { ($0 as? LetheError)?.code == .limitExceeded }
    }
}
