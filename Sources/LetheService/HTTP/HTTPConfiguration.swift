import Foundation
import LetheCore

/// Where and how the daemon listens.
public struct HTTPConfiguration: Sendable {
    /// The address to bind: `localhost`, or an address of 127.0.0.0/8 or `::1`.
    public var host: String
    /// The port to bind; 0 lets the system choose.
    public var port: Int
    /// Bounds on what clients may send.
    public var limits = HTTPLimits()
    /// Time between two comments on an idle event stream.
    public var pingInterval: Duration = .seconds(15)
    /// The version that `GET /version` and `/openapi.json` report.
    public var version: String

    /// Creates a configuration.
    public init(host: String = "127.0.0.1", port: Int = 8475, version: String = "0.1.0") {
        self.host = host
        self.port = port
        self.version = version
    }

    /// The address to give to the socket layer.
    ///
    /// - Throws: `usage` for a port outside 0 to 65535, and `forbidden` for an address that other machines could
    ///   reach: there are no API keys, so anyone who can connect can delete from the model.
    func bindAddress() throws -> (host: String, port: Int) {
        guard (0...65535).contains(port) else { throw LetheError(.usage, "the port must be from 0 to 65535") }
        guard let address = LoopbackHost.address(host) else {
            throw LetheError(
                .forbidden, "refusing to listen on an address that is not loopback; use 127.0.0.1, ::1 or localhost")
        }
        return (address, port)
    }
}
