import CCurl
import Foundation
import LetheCore

/// One HTTP exchange through libcurl, on a thread of its own so that nothing else waits for the network.
struct HTTPTransfer: Sendable {
    /// What was answered.
    struct Answer: Sendable {
        var status: Int
        /// Header names in lower case; of a repeated header the last value.
        var headers: [String: String]
        var body: Data
    }

    enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
        case delete = "DELETE"
    }

    /// An address that a host's name stands for during one exchange, whatever a resolver says; no proxy is used then.
    struct Pin: Sendable {
        var host: String
        var port: Int
        var address: String
    }

    /// Bytes of an answer that are kept; a larger one fails the exchange.
    static let maximumAnswerBytes = 64 << 20

    var method = Method.get
    var url: String
    var headers: [(name: String, value: String)] = []
    var body: Data?
    /// The whole exchange may take this long; nil for a stream, which ends when nothing has come for a minute.
    var timeout: Duration?
    /// Schemes that may be used, separated by commas.
    var protocols = "http,https"
    /// Connects to this address only.
    var pinned: Pin?
    /// Bytes of an answer that are kept; a larger one fails the exchange.
    var answerBytes = Self.maximumAnswerBytes
    /// A PEM file with the certificates to trust, instead of the system's.
    var authorities: String?
    /// Statuses whose bodies ``stream(onHead:onBody:)`` hands on.
    var streamedStatuses: Set<Int> = [200]

    /// Runs the exchange and collects the answer.
    /// - Throws: `unavailable` when the other side cannot be reached or breaks off, `limitExceeded` for an answer
    ///   that is too large. An answer with an error status is an answer.
    func answer() async throws -> Answer {
        try await run(Exchange(answerBytes: answerBytes, streamedStatuses: []))
    }

    /// Runs the exchange and hands each piece of the body of an answer with one of ``streamedStatuses`` to `onBody` as
    /// it comes; the body of any other answer is collected. Cancelling the task ends the transfer within about a
    /// second.
    /// - Parameters:
    ///   - onHead: called once before the first piece, with an answer without a body; false ends the transfer.
    ///   - onBody: false ends the transfer.
    func stream(
        onHead: @escaping @Sendable (Answer) -> Bool = { _ in true }, onBody: @escaping @Sendable (Data) -> Bool
    ) async throws -> Answer {
        let exchange = Exchange(answerBytes: answerBytes, streamedStatuses: streamedStatuses)
        exchange.onHead = onHead
        exchange.onBody = onBody
        return try await run(exchange)
    }

    private func run(_ exchange: Exchange) async throws -> Answer {
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Answer, any Error>) in
                let thread = Thread { continuation.resume(with: Result { try perform(exchange) }) }
                thread.name = "lethe.http"
                thread.start()
            }
        } onCancel: {
            exchange.cancel()
        }
    }

    /// Blocks until the exchange is over.
    private func perform(_ exchange: Exchange) throws -> Answer {
        guard Self.isInitialised, let handle = curl_easy_init() else {
            throw LetheError(.internalError, "libcurl cannot be initialised")
        }
        defer { curl_easy_cleanup(handle) }
        var list: UnsafeMutablePointer<curl_slist>?
        defer { curl_slist_free_all(list) }
        // An empty value stops libcurl from asking for "100 Continue", which costs a second with most servers.
        for line in headers.map({ "\($0.name): \($0.value)" }) + ["Expect:"] {
            guard let longer = curl_slist_append(list, line) else {
                throw LetheError(.internalError, "libcurl is out of memory")
            }
            list = longer
        }
        var codes = [
            lethe_curl_set_string(handle, CURLOPT_URL, url),
            lethe_curl_set_string(handle, CURLOPT_PROTOCOLS_STR, protocols),
            lethe_curl_set_string(handle, CURLOPT_USERAGENT, "lethe"),
            lethe_curl_set_long(handle, CURLOPT_NOSIGNAL, 1),
            lethe_curl_set_long(handle, CURLOPT_CONNECTTIMEOUT, 10),
            lethe_curl_set_headers(handle, list),
        ]
        if let timeout {
            let milliseconds = max(1, min(86_400_000, Int(timeout.seconds * 1000)))
            codes.append(lethe_curl_set_long(handle, CURLOPT_TIMEOUT_MS, milliseconds))
        } else {
            codes.append(lethe_curl_set_long(handle, CURLOPT_LOW_SPEED_LIMIT, 1))
            codes.append(lethe_curl_set_long(handle, CURLOPT_LOW_SPEED_TIME, 60))
        }
        if let authorities { codes.append(lethe_curl_set_string(handle, CURLOPT_CAINFO, authorities)) }
        var resolved: UnsafeMutablePointer<curl_slist>?
        defer { curl_slist_free_all(resolved) }
        if let pinned {
            // An address in numbers is not looked up, and needs no entry.
            if pinned.host != pinned.address {
                let address = pinned.address.contains(":") ? "[\(pinned.address)]" : pinned.address
                resolved = curl_slist_append(nil, "\(pinned.host):\(pinned.port):\(address)")
                codes.append(lethe_curl_set_pointer(handle, CURLOPT_RESOLVE, resolved))
            }
            codes.append(lethe_curl_set_string(handle, CURLOPT_PROXY, ""))
            codes.append(lethe_curl_set_long(handle, CURLOPT_FOLLOWLOCATION, 0))
        } else if let host = URLComponents(string: url)?.host, LoopbackHost.isLoopback(host: host) {
            // A proxy of the environment cannot reach this machine's own addresses.
            codes.append(lethe_curl_set_string(handle, CURLOPT_PROXY, ""))
        }
        if method == .delete { codes.append(lethe_curl_set_string(handle, CURLOPT_CUSTOMREQUEST, method.rawValue)) }
        exchange.statusOf = { Int(lethe_curl_response_code(handle)) }
        defer { exchange.statusOf = nil }
        let context = Unmanaged.passUnretained(exchange).toOpaque()
        codes.append(lethe_curl_set_body_sink(handle, Exchange.receiveBody, context))
        codes.append(lethe_curl_set_header_sink(handle, Exchange.receiveHeader, context))
        codes.append(lethe_curl_set_progress(handle, Exchange.checkProgress, context))

        let result: CURLcode
        if method == .post {
            let sent = body ?? Data()
            result = sent.withUnsafeBytes { bytes in
                codes.append(lethe_curl_set_body(handle, bytes.baseAddress ?? UnsafeRawPointer(context), bytes.count))
                return codes.allSatisfy { $0 == CURLE_OK } ? curl_easy_perform(handle) : CURLE_BAD_FUNCTION_ARGUMENT
            }
        } else {
            result = codes.allSatisfy { $0 == CURLE_OK } ? curl_easy_perform(handle) : CURLE_BAD_FUNCTION_ARGUMENT
        }
        return try withExtendedLifetime(exchange) {
            try exchange.finish(result, status: Int(lethe_curl_response_code(handle)))
        }
    }

    /// libcurl wants its global state set up once, before any thread uses it.
    private static let isInitialised = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK
}

/// What libcurl's callbacks write to. All of it but the cancellation mark is used by the transfer's thread only.
private final class Exchange: @unchecked Sendable {
    private let answerBytes: Int
    private let streamedStatuses: Set<Int>
    var onHead: (@Sendable (HTTPTransfer.Answer) -> Bool)?
    var onBody: (@Sendable (Data) -> Bool)?
    private let lock = NSLock()
    private var isCancelled = false
    var statusOf: (() -> Int)?
    private var headers: [String: String] = [:]
    private var body = Data()
    private var isTooLarge = false
    private var isStopped = false

    init(answerBytes: Int, streamedStatuses: Set<Int>) {
        self.answerBytes = answerBytes
        self.streamedStatuses = streamedStatuses
    }

    func cancel() { lock.withLock { isCancelled = true } }

    func finish(_ code: CURLcode, status: Int) throws -> HTTPTransfer.Answer {
        if lock.withLock({ isCancelled }) { throw CancellationError() }
        if isTooLarge {
            throw LetheError(.limitExceeded, "the answer is over \(answerBytes) bytes")
        }
        guard code == CURLE_OK || isStopped else {
            throw LetheError(.unavailable, "no answer: \(String(cString: curl_easy_strerror(code)))")
        }
        return HTTPTransfer.Answer(status: status, headers: headers, body: body)
    }

    static let receiveBody: lethe_curl_sink = { bytes, size, count, context in
        guard let bytes, let context else { return 0 }
        let exchange = Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
        let data = Data(bytes: bytes, count: size * count)
        if let onBody = exchange.onBody, let status = exchange.statusOf?(), exchange.streamedStatuses.contains(status) {
            let head = exchange.onHead
            exchange.onHead = nil
            let answer = HTTPTransfer.Answer(status: status, headers: exchange.headers, body: Data())
            guard head?(answer) ?? true, onBody(data) else {
                exchange.isStopped = true
                return 0
            }
            return data.count
        }
        guard data.count <= exchange.answerBytes - exchange.body.count else {
            exchange.isTooLarge = true
            return 0
        }
        exchange.body.append(data)
        return data.count
    }

    static let receiveHeader: lethe_curl_sink = { bytes, size, count, context in
        guard let bytes, let context else { return 0 }
        let exchange = Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
        let line = String(decoding: UnsafeRawBufferPointer(start: bytes, count: size * count), as: UTF8.self)
        if line.hasPrefix("HTTP/") {
            exchange.headers = [:]
        } else if let colon = line.firstIndex(of: ":") {
            let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespacesAndNewlines)
            exchange.headers[line[..<colon].lowercased()] = value
        }
        return size * count
    }

    static let checkProgress: lethe_curl_progress = { context, _, _, _, _ in
        guard let context else { return 1 }
        let exchange = Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
        return exchange.lock.withLock { exchange.isCancelled } ? 1 : 0
    }
}
