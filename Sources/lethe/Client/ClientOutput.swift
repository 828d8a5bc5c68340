import Foundation
import LetheCore

/// Writes what the client commands have to say: data to standard output, everything else to standard error.
enum ClientOutput {
    /// One JSON document, over several lines.
    static func document(_ json: JSONValue) {
        write(json.serialized(pretty: true) + Data("\n".utf8))
    }

    /// One JSON value on a line of its own.
    static func line(_ json: JSONValue) {
        write(json.serialized() + Data("\n".utf8))
    }

    /// One line of text.
    static func line(_ text: String) {
        write(Data((text + "\n").utf8))
    }

    /// Bytes as they are.
    static func bytes(_ data: Data) { write(data) }

    /// A note beside the data.
    static func note(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data((text + "\n").utf8))
    }

    /// Ends the program with 74 (EX_IOERR) when standard output cannot take the data: a part of it is of no use.
    private static func write(_ data: Data) {
        do {
            try FileHandle.standardOutput.write(contentsOf: data)
        } catch {
            note("error: standard output cannot be written")
            exit(74)
        }
    }
}
