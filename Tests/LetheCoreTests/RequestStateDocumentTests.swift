import Foundation
import LetheCore
import Testing

@Suite struct RequestStateDocumentTests {
    @Test func `the diagram in the documentation is the state machine`() throws {
        let root = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: root.appendingPathComponent("Docs/states.md"), encoding: .utf8)
        let drawn = text.split(separator: "\n")
            .map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { $0.contains(" --> ") && $0.contains(" : ") }
        let expected = RequestStateMachine.transitions.map { "\($0.source) --> \($0.target) : \($0.event)" }
        #expect(drawn.sorted() == expected.sorted())
        #expect(text.contains("[*] --> \(RequestStateMachine.initial)\n"))
        for state in RequestState.allCases { #expect(text.contains("| `\(state)` |")) }
    }
}
