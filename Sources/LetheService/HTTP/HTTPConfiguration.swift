import Foundation
import LetheCore

/// Where and how the daemon listens.
public struct HTTPConfiguration: Sendable {
    /// The address to bind: `localhost`, or a numeric address.
    public var host: String
    /// The port to bind; 0 lets the system choose.
    public var port: Int
    /// Bounds on what clients may send.
    public var limits = HTTPLimits()
    /// Time between two comments on an idle event stream.
    public var pingInterval: Duration = .seconds(15)
    /// Whether callers need an API key even while the store has none.
    public var requireKeys = false
    /// Whether a reverse proxy stands before the daemon, which ends TLS and passes the caller's own `Host` on.
    public var behindProxy = false
    /// Certificate and key, for TLS without a proxy.
    public var tls: TLSFiles?
    /// How events are sent to webhooks.
    public var webhooks = WebhookPolicy()
    /// The version that `GET /version` and `/openapi.json` report.
    public var version: String

    /// Creates a configuration.
    public init(host: String = "127.0.0.1", port: Int = 8475, version: String = "0.1.0") {
        self.host = host
        self.port = port
        self.version = version
    }

    /// Whether only this machine can reach the daemon.
    var isLoopbackOnly: Bool { LoopbackHost.address(host) != nil && !behindProxy }

    /// Whether callers need a key whatever the store holds.
    var needsKeys: Bool { requireKeys || !isLoopbackOnly }

    /// The address to give to the socket layer.
    ///
    /// - Parameter hasKeys: whether the store has API keys; nil while that is not known.
    /// - Throws: `usage` for a port outside 0 to 65535, and `forbidden` for an address that other machines could
    ///   reach without keys, or with keys that would travel in clear.
    func bindAddress(hasKeys: Bool?) throws -> (host: String, port: Int) {
        guard (0...65535).contains(port) else { throw LetheError(.usage, "the port must be from 0 to 65535") }
        let address: String
        if let loopback = LoopbackHost.address(host) {
            address = loopback
        } else {
            guard let numeric = LoopbackHost.numericAddress(host) else {
                throw LetheError(.forbidden, "--host must be a loopback address, or another one in numbers")
            }
            guard tls != nil || behindProxy else {
                throw LetheError(
                    .forbidden,
                    "refusing to listen on an address that is not loopback: give --tls-certificate and --tls-key, or "
                        + "--behind-proxy when a proxy ends TLS before the daemon")
            }
            address = numeric
        }
        if needsKeys, hasKeys == false {
            throw LetheError(
                .forbidden,
                "refusing to listen without API keys: make one with lethe keys create, or listen on loopback without "
                    + "--require-keys and --behind-proxy")
        }
        return (address, port)
    }
}
