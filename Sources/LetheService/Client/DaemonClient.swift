import Foundation
import LetheCore

/// Talks to a running daemon over HTTP; what the command line uses.
///
/// Every call throws `unavailable` when the daemon cannot be reached, and for an error answer the error that the
/// daemon named, with its request id in the message.
public struct DaemonClient: Sendable {
    /// Where a daemon listens unless told otherwise.
    public static let defaultURL = "http://127.0.0.1:8475"

    /// Filters of ``list(_:)``.
    public struct ListQuery: Sendable {
        /// Only requests in this state.
        public var state: String?
        /// Only requests of this category.
        public var category: String?
        /// Only requests for this model.
        public var model: String?
        /// The most requests of the page.
        public var limit: Int?
        /// Goes on after the page that named it.
        public var cursor: String?

        /// Everything, one page of the daemon's default size.
        public init() {}
    }

    /// One page of a list.
    public struct Page: Sendable {
        /// The objects of the API.
        public var items: [JSONValue]
        /// What ``ListQuery/cursor`` has to be for the next page; nil on the last.
        public var next: String?
        /// The whole answer.
        public var json: JSONValue
    }

    /// The daemon's address, without a slash at its end.
    public let baseURL: String
    private let timeout: Duration
    private let apiKey: Sensitive<String>?
    private let authorities: String?

    /// - Parameters:
    ///   - url: `http://` or `https://` with a host, and no query.
    ///   - timeout: How long one call may take.
    ///   - apiKey: What to prove who asks with.
    ///   - authorities: A PEM file with the certificates to trust, instead of the system's.
    /// - Throws: `usage` when the address is not of that form, the key cannot be one, or it would travel in clear to
    ///   another machine.
    public init(
        url: String = DaemonClient.defaultURL, timeout: Duration = .seconds(30), apiKey: Sensitive<String>? = nil,
        authorities: String? = nil
    ) throws {
        var base = url
        while base.hasSuffix("/") { base.removeLast() }
        guard let components = URLComponents(string: base), let scheme = components.scheme?.lowercased(),
            scheme == "http" || scheme == "https", let host = components.host, !host.isEmpty,
            components.query == nil, components.fragment == nil
        else { throw LetheError(.usage, "the daemon's URL must be http:// or https:// with a host") }
        if let key = apiKey?.reveal() {
            guard (1...512).contains(key.utf8.count), key.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                throw LetheError(.usage, "the API key is not printable ASCII without blanks")
            }
            guard scheme == "https" || LoopbackHost.isLoopback(host: host) else {
                throw LetheError(.usage, "an API key is sent to another machine over https:// only")
            }
        }
        baseURL = base
        self.timeout = timeout
        self.apiKey = apiKey
        self.authorities = authorities
    }

    /// Submits a request and returns it once it is on the daemon's disk.
    /// - Parameters:
    ///   - body: The JSON of `POST /v1/requests`, sent as it is.
    ///   - idempotencyKey: Sending the same body again under the same key gives the same answer.
    ///   - isDryRun: Only says what the request would do and cost.
    public func submit(_ body: Data, idempotencyKey: String, isDryRun: Bool = false) async throws -> JSONValue {
        let isPlain =
            (1...255).contains(idempotencyKey.utf8.count)
            && idempotencyKey.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        guard isPlain else {
            throw LetheError(.usage, "the idempotency key must be 1 to 255 printable ASCII characters without blanks")
        }
        return try await call(
            .post, "/v1/requests" + (isDryRun ? "?dry_run=true" : ""),
            headers: [("Content-Type", "application/json"), ("Idempotency-Key", idempotencyKey)], body: body)
    }

    /// One page of requests, newest first.
    public func list(_ query: ListQuery = ListQuery()) async throws -> Page {
        let pairs: [(String, String?)] = [
            ("state", query.state), ("category", query.category), ("model", query.model),
            ("limit", query.limit.map(String.init)), ("cursor", query.cursor),
        ]
        let text = pairs.compactMap { name, value in value.map { "\(name)=\(Self.escape($0))" } }
        let json = try await call(.get, "/v1/requests" + (text.isEmpty ? "" : "?" + text.joined(separator: "&")))
        guard let items = json["data"]?.arrayValue else { throw Self.unexpected }
        return Page(items: items, next: json["next_cursor"]?.stringValue, json: json)
    }

    /// One request.
    public func request(_ id: String) async throws -> JSONValue {
        try await call(.get, try Self.path(id))
    }

    /// The deletion certificate of an applied request, a DSSE envelope. Throws `notFound` while there is none.
    public func certificate(_ id: String) async throws -> JSONValue {
        try await call(.get, try Self.path(id) + "/certificate")
    }

    /// Cancels a request. Throws `invalidState` where it cannot be.
    public func cancel(_ id: String) async throws -> JSONValue {
        try await call(.post, try Self.path(id) + "/cancel")
    }

    /// Puts a failed request back into the queue. Throws `invalidState` where it cannot be.
    public func retry(_ id: String) async throws -> JSONValue {
        try await call(.post, try Self.path(id) + "/retry")
    }

    /// One page of the events of a request, oldest first.
    /// - Parameter after: The sequence number of the last event already known.
    public func events(_ id: String, after: Int = 0) async throws -> [JSONValue] {
        let json = try await call(.get, try Self.path(id) + "/events?after=\(after)")
        guard let items = json["data"]?.arrayValue else { throw Self.unexpected }
        return items
    }

    /// Follows the events of a request until it ends, through lost connections and restarts of the daemon.
    ///
    /// - Parameters:
    ///   - after: The sequence number of the last event already known.
    ///   - patience: How long the daemon may be away in the middle before this gives up.
    ///   - onEvent: Called with each event once, in order.
    /// - Throws: What the other calls throw; `unavailable` when the daemon is away at the start, or for too long.
    public func watch(
        _ id: String, after: Int = 0, patience: Duration = .seconds(60),
        onEvent: @escaping @Sendable (JSONValue) -> Void
    ) async throws {
        let state = WatchState(lastID: after == 0 ? "" : String(after), onEvent: onEvent)
        let url = baseURL + (try Self.path(id)) + "/events"
        var failingSince: ContinuousClock.Instant?
        var isConnectedBefore = false
        while true {
            var headers = [("Accept", "text/event-stream")]
            if !state.lastID.isEmpty { headers.append(("Last-Event-ID", state.lastID)) }
            state.startConnection()
            do {
                let answer = try await transfer(url: url, headers: headers).stream { state.receive($0) }
                if let error = state.failure { throw error }
                if answer.status == 204 { return }
                guard answer.status == 200 else { throw Self.error(answer) }
                isConnectedBefore = true
                failingSince = nil
                // The daemon closed the stream: the request has ended, which the next answer says at once.
                if state.hasEvents { continue }
            } catch let error as LetheError where error.code == .unavailable {
                // A stream that was open and broke off counts as a connection.
                if state.hasReceived { (isConnectedBefore, failingSince) = (true, nil) }
                let since = failingSince ?? ContinuousClock.now
                failingSince = since
                guard isConnectedBefore, ContinuousClock.now - since < patience else { throw error }
            }
            try await Task.sleep(for: .milliseconds(min(state.retryMilliseconds, 10_000)))
        }
    }

    /// The names, heads and files of the daemon's models.
    public func models() async throws -> JSONValue {
        try await call(.get, "/v1/models")
    }

    /// Whether the daemon is ready to work on requests.
    public func isReady() async throws -> Bool {
        let answer = try await transfer(url: baseURL + "/readyz", timeout: timeout).answer()
        return answer.status == 200
    }

    // MARK: - Calls

    private static let unexpected = LetheError(
        .unavailable, "the answer is not one of a Lethe daemon; is the URL right?")

    func call(
        _ method: HTTPTransfer.Method, _ path: String, headers: [(name: String, value: String)] = [],
        body: Data? = nil
    ) async throws -> JSONValue {
        let transfer = transfer(
            method, url: baseURL + path, headers: headers + [("Accept", "application/json")], body: body,
            timeout: timeout)
        let answer: HTTPTransfer.Answer
        do {
            answer = try await transfer.answer()
        } catch let error as LetheError where error.code == .unavailable {
            throw LetheError(.unavailable, "\(error.message) from \(baseURL); is `lethe serve` running there?")
        }
        guard (200...299).contains(answer.status) else { throw Self.error(answer) }
        if answer.status == 204 { return .null }
        guard let json = try? JSONParser.parse(answer.body, context: "answer") else { throw Self.unexpected }
        return json
    }

    private func transfer(
        _ method: HTTPTransfer.Method = .get, url: String, headers: [(name: String, value: String)] = [],
        body: Data? = nil, timeout: Duration? = nil
    ) -> HTTPTransfer {
        var transfer = HTTPTransfer(method: method, url: url, headers: headers, body: body, timeout: timeout)
        if let apiKey { transfer.headers.append(("Authorization", "Bearer \(apiKey.reveal())")) }
        transfer.authorities = authorities
        return transfer
    }

    /// The error that an answer stands for.
    private static func error(_ answer: HTTPTransfer.Answer) -> LetheError {
        let problem = try? JSONParser.parse(answer.body, context: "answer")
        var message = problem?["detail"]?.stringValue ?? "the daemon answered with status \(answer.status)"
        if let state = problem?["state"]?.stringValue { message += " (state \(state))" }
        if let id = problem?["request_id"]?.stringValue { message += " (request id \(id))" }
        return LetheError(code(status: answer.status, named: problem?["code"]?.stringValue), message)
    }

    private static func code(status: Int, named name: String?) -> LetheError.Code {
        let known: [LetheError.Code] = [
            .badData, .limitExceeded, .unsupported, .missingInput, .notFound, .conflict, .invalidState, .forbidden,
            .unavailable, .diskFull, .usage, .gateNotMet,
        ]
        if let name, let code = known.first(where: { $0.rawValue == name }) { return code }
        switch status {
        case 401, 403: return .forbidden
        case 404: return .notFound
        case 409: return .conflict
        case 413, 414, 431: return .limitExceeded
        case 400..<500 where status != 429: return .badData
        case 429, 502, 503, 504: return .unavailable
        default: return .internalError
        }
    }

    /// - Throws: `usage` for what is not a request's name, so that nothing else can get into a path.
    private static func path(_ id: String) throws -> String {
        guard let id = RequestID(rawValue: id) else {
            throw LetheError(.usage, "a request id is req_ followed by 32 hexadecimal digits")
        }
        return "/v1/requests/\(id.rawValue)"
    }

    private static func escape(_ value: String) -> String {
        var escaped = ""
        for byte in value.utf8 {
            switch byte {
            case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                escaped.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                escaped += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
            }
        }
        return escaped
    }
}

/// What a followed stream has brought so far. Used by one transfer at a time, and between transfers by the caller.
private final class WatchState: @unchecked Sendable {
    private let onEvent: @Sendable (JSONValue) -> Void
    private var parser = EventStreamParser()
    private(set) var lastID: String
    private(set) var failure: LetheError?
    private(set) var hasReceived = false
    private(set) var hasEvents = false
    private(set) var retryMilliseconds = 1000

    init(lastID: String, onEvent: @escaping @Sendable (JSONValue) -> Void) {
        self.lastID = lastID
        self.onEvent = onEvent
    }

    func startConnection() {
        parser = EventStreamParser()
        hasReceived = false
        hasEvents = false
    }

    /// Returns false to end the transfer.
    func receive(_ bytes: Data) -> Bool {
        hasReceived = true
        do {
            for event in try parser.feed(bytes) {
                let json = try JSONParser.parse(Data(event.data.utf8), context: "event")
                if !event.id.isEmpty { lastID = event.id }
                hasEvents = true
                onEvent(json)
            }
            if let milliseconds = parser.retryMilliseconds { retryMilliseconds = milliseconds }
            return true
        } catch {
            failure = error as? LetheError ?? LetheError(.internalError, "the event stream could not be read")
            return false
        }
    }
}
