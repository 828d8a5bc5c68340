import Foundation
import LetheCore
import LetheProcessSupport
import Testing

/// The program and a folder for one test.
struct CommandBench {
    let lethe: LetheBinary
    let scratch: Scratch

    init() throws {
        lethe = try LetheBinary()
        scratch = try Scratch()
    }

    /// The store of this test.
    var store: String { scratch.path("store").path }

    /// Runs the program with words.
    func run(_ arguments: String..., input: String = "") async throws -> Finished {
        try await lethe.run(arguments, input: Data(input.utf8))
    }

    /// Runs it, and wants it to succeed.
    @discardableResult
    func succeed(_ arguments: String..., input: String = "", location: SourceLocation = #_sourceLocation) async throws
        -> Finished
    {
        let finished = try await lethe.run(arguments, input: Data(input.utf8))
        try #require(
            finished.end == .exited(0), "\(arguments.prefix(2)): \(finished.errorText)", sourceLocation: location)
        return finished
    }

    /// Imports the fixture model as `tiny`.
    func importModel() async throws {
        try await succeed("model", "import", Fixtures.model.path, "--name", "tiny", "--data-dir", store)
    }

    /// Starts a daemon on the store.
    func serve(_ arguments: [String] = [], environment: [String: String] = [:]) async throws -> DaemonProcess {
        try await DaemonProcess.start(
            lethe, dataDirectory: scratch.path("store"), arguments: arguments, environment: environment)
    }

    /// A line `{"text":...}`.
    static func line(_ text: String) -> String {
        JSONValue.object(JSONObject([("text", .string(text))])).serializedString() + "\n"
    }
}

/// Asserts that a command refused: its exit status, nothing on standard output, and on standard error one clear
/// message that names the problem. A signal is never a refusal.
func expectRefusal(
    _ finished: Finished, status: Int32, naming words: String..., location: SourceLocation = #_sourceLocation
) {
    let message = finished.errorText
    #expect(finished.end == .exited(status), "\(message)", sourceLocation: location)
    #expect(finished.output.isEmpty, "standard output: \(finished.outputText)", sourceLocation: location)
    #expect(message.lowercased().hasPrefix("error: "), "\(message)", sourceLocation: location)
    for word in words { #expect(message.contains(word), "\(message)", sourceLocation: location) }
    for word in ["Fatal error", "Swift runtime", "LetheError", "Optional("] {
        #expect(!message.contains(word), "\(message)", sourceLocation: location)
    }
}

/// Asserts the names of an object's members, in order.
func expectKeys(_ json: JSONValue, _ keys: [String], location: SourceLocation = #_sourceLocation) {
    #expect(json.objectValue?.keys == keys, sourceLocation: location)
}

/// Asserts that a list of numbers agrees with another within an absolute and a relative tolerance together.
func expectClose(
    _ actual: JSONValue?, _ expected: JSONValue?, _ tolerance: Double, location: SourceLocation = #_sourceLocation
) {
    func numbers(_ json: JSONValue?) -> [Double]? {
        guard let json else { return nil }
        if let list = json.arrayValue {
            let values = list.compactMap(\.doubleValue)
            return values.count == list.count ? values : nil
        }
        return json.doubleValue.map { [$0] }
    }
    guard let actual = numbers(actual), let expected = numbers(expected), actual.count == expected.count else {
        Issue.record("the values are missing, or not as many as expected", sourceLocation: location)
        return
    }
    for (index, (value, target)) in zip(actual, expected).enumerated() {
        #expect(
            abs(value - target) <= tolerance * (1 + abs(target)), "value \(index): \(value), expected \(target)",
            sourceLocation: location)
    }
}
