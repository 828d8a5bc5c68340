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
    }

    /// Bytes of an answer that are kept; a larger one fails the exchange.
    static let maximumAnswerBytes = 64 << 20

    var method = Method.get
    var url: String
    var headers: [(name: String, value: String)] = []
    var body: Data?
    /// The whole exchange may take this long; nil for a stream, which ends when nothing has come for a minute.
    var timeout: Duration?

    /// Runs the exchange and collects the answer.
    /// - Throws: `unavailable` when the other side cannot be reached or breaks off, `limitExceeded` for an answer
    ///   that is too large. An answer with an error status is an answer.
    func answer() async throws -> Answer {
        try await run(onBody: nil)
    }

    /// Runs the exchange and hands each piece of the body of a 200 answer to `onBody` as it comes; the body of any
    /// other answer is collected. Cancelling the task ends the transfer within about a second.
    func stream(onBody: @escaping @Sendable (Data) -> Bool) async throws -> Answer {
        try await run(onBody: onBody)
    }

    private func run(onBody: (@Sendable (Data) -> Bool)?) async throws -> Answer {
        let exchange = Exchange(onBody: onBody)
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
            lethe_curl_set_string(handle, CURLOPT_PROTOCOLS_STR, "http,https"),
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
        if let host = URLComponents(string: url)?.host, LoopbackHost.isLoopback(host: host) {
            // A proxy of the environment cannot reach this machine's own addresses.
            codes.append(lethe_curl_set_string(handle, CURLOPT_PROXY, ""))
        }
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
    private let onBody: (@Sendable (Data) -> Bool)?
    private let lock = NSLock()
    private var isCancelled = false
    var statusOf: (() -> Int)?
    private var headers: [String: String] = [:]
    private var body = Data()
    private var isTooLarge = false
    private var isStopped = false

    init(onBody: (@Sendable (Data) -> Bool)?) { self.onBody = onBody }

    func cancel() { lock.withLock { isCancelled = true } }

    func finish(_ code: CURLcode, status: Int) throws -> HTTPTransfer.Answer {
        if lock.withLock({ isCancelled }) { throw CancellationError() }
        if isTooLarge {
            throw LetheError(.limitExceeded, "the answer is over \(HTTPTransfer.maximumAnswerBytes) bytes")
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
        if let onBody = exchange.onBody, exchange.statusOf?() == 200 {
            guard onBody(data) else {
                exchange.isStopped = true
                return 0
            }
            return data.count
        }
        guard data.count <= HTTPTransfer.maximumAnswerBytes - exchange.body.count else {
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
