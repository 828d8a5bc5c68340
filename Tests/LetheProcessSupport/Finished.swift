import Foundation
import LetheCore

/// How a child process ended, and what it wrote.
package struct Finished: Sendable {
    /// Why a process is no more.
    package enum End: Sendable, Equatable {
        /// It returned this status.
        case exited(Int32)
        /// A signal ended it.
        case signalled(Int32)
    }

    package let end: End
    package let output: Data
    package let error: Data

    package init(end: End, output: Data, error: Data) {
        self.end = end
        self.output = output
        self.error = error
    }

    /// Standard output as text.
    package var outputText: String { String(decoding: output, as: UTF8.self) }
    /// Standard error as text.
    package var errorText: String { String(decoding: error, as: UTF8.self) }

    /// Standard output as one JSON document.
    package var json: JSONValue {
        get throws { try JSONParser.parse(output, context: "standard output") }
    }

    /// Standard output as JSON Lines.
    package var jsonLines: [JSONValue] {
        get throws {
            try output.split(separator: 10).map { try JSONParser.parse(Data($0), context: "a line of standard output") }
        }
    }
}
