import HTTPTypes
import Hummingbird
import LetheCore
import LetheStore
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Decides who may ask for what, and how often.
///
/// While the store has no keys and the daemon is neither told to require them nor reachable from elsewhere, everybody
/// on this machine may do everything, without a rate limit. From the first key on, everything that is not open needs a
/// key with the scope of its route.
struct AccessGuard: Sendable {
    private let database: LetheDatabase
    private let requiresKeys: Bool
    /// Behind a proxy every peer is the proxy, so that its address tells nothing.
    private let seesAddresses: Bool
    private let keys: RateLimiter
    private let addresses: RateLimiter
    private let failures: RateLimiter

    init(database: LetheDatabase, configuration: HTTPConfiguration) {
        self.database = database
        requiresKeys = configuration.needsKeys
        seesAddresses = !configuration.behindProxy
        keys = RateLimiter(configuration.limits.keyRate)
        addresses = RateLimiter(configuration.limits.addressRate)
        failures = RateLimiter(configuration.limits.failureRate)
    }

    /// Whether everybody may do everything.
    var isOpen: Bool { !requiresKeys && !database.hasKeys }

    /// Counts a request against its address, before anything else is looked at.
    /// - Throws: ``Problem`` with status 429.
    func admit(from address: String) throws {
        guard !isOpen, seesAddresses, let wait = addresses.take(address) else { return }
        throw Self.tooMany(wait)
    }

    /// The caller of an operation.
    /// - Throws: ``Problem``: 401 without a valid key, 403 without the scope, 429 for too many calls.
    func caller(_ request: Request, access: RouteAccess?, from address: String) throws -> Caller {
        if access == .open || isOpen { return .anybody }
        let key = try authenticate(request.headers, from: address)
        if let wait = keys.take(key.id) { throw Self.tooMany(wait) }
        guard case .scope(let scope) = access, key.scopes.contains(scope) else {
            var challenge = "Bearer realm=\"lethe\", error=\"insufficient_scope\""
            var detail = "no key allows this"
            if case .scope(let scope) = access {
                challenge += ", scope=\"\(scope.rawValue)\""
                detail = "the key does not have the scope \(scope.rawValue)"
            }
            throw Problem(.forbidden, "insufficient_scope", detail, headers: [.wwwAuthenticate: challenge])
        }
        return .key(key)
    }

    private func authenticate(_ headers: HTTPFields, from address: String) throws -> APIKeyRow {
        let values = headers[values: .authorization]
        if values.count == 1, let text = Self.bearer(values[0]), let token = APIKeyToken(text),
            let key = database.authenticate(token)
        {
            return key
        }
        // Counted apart, and more strictly; a valid key gets in however many others fail from the same address.
        if let wait = failures.take(address) { throw Self.tooMany(wait) }
        guard !values.isEmpty else {
            throw Problem(
                .unauthorized, "missing_key", "an API key is needed: Authorization: Bearer lethe_...",
                headers: [.wwwAuthenticate: "Bearer realm=\"lethe\""])
        }
        throw Problem(
            .unauthorized, "invalid_key", "the API key is not valid, or no longer",
            headers: [.wwwAuthenticate: "Bearer realm=\"lethe\", error=\"invalid_token\""])
    }

    /// The token of a `Bearer` credential (RFC 6750); the scheme's name has no case.
    private static func bearer(_ credential: String) -> Substring? {
        let parts = credential.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return parts[1].drop { $0 == " " }
    }

    private static func tooMany(_ wait: Duration) -> Problem {
        let seconds = min(3600, max(1, Int(wait.seconds.rounded(.up))))
        return Problem(
            .tooManyRequests, "rate_limited", "too many requests; come again in \(seconds) s",
            headers: [.retryAfter: String(seconds)])
    }

    /// What a peer's requests are counted under: its IPv4 address, or the /64 network of its IPv6 address, in which a
    /// single host can take any address it likes.
    static func name(of address: SocketAddress?) -> String {
        switch address {
        case .v4(let v4): return withUnsafeBytes(of: v4.address.sin_addr) { "4:" + hexadecimal($0) }
        case .v6(let v6): return withUnsafeBytes(of: v6.address.sin6_addr) { "6:" + hexadecimal($0.prefix(8)) }
        case .unixDomainSocket: return "local"
        case nil: return "unknown"
        }
    }

    private static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        bytes.reduce(into: "") { $0 += String($1, radix: 16) + "." }
    }
}
