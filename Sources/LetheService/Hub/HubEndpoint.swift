import Foundation
import LetheCore

/// Where a hub is, and who asks.
public struct HubEndpoint: Sendable {
    /// The hub that is asked unless another is named.
    public static let defaultURL = "https://huggingface.co"

    /// The address without a slash at its end.
    let base: String
    private let origin: Origin
    private let token: Sensitive<String>?
    private let authorities: String?

    /// A scheme, a host and a port: what a token may be sent to.
    private struct Origin: Equatable {
        var scheme: String
        var host: String
        var port: Int

        init?(_ url: String) {
            guard let components = URLComponents(string: url), let scheme = components.scheme?.lowercased(),
                scheme == "http" || scheme == "https", let host = components.host?.lowercased(), !host.isEmpty,
                components.user == nil, components.password == nil
            else { return nil }
            (self.scheme, self.host) = (scheme, host)
            port = components.port ?? (scheme == "https" ? 443 : 80)
        }
    }

    /// - Parameters:
    ///   - url: `https://`, or `http://` for a hub on this machine or without a token.
    ///   - token: what proves who asks; sent to this hub only.
    ///   - authorities: a PEM file with the certificates to trust, instead of the system's.
    /// - Throws: `usage` for an address or a token that cannot be one, or a token that would travel in clear.
    public init(
        url: String = HubEndpoint.defaultURL, token: Sensitive<String>? = nil, authorities: String? = nil
    ) throws {
        var base = url
        while base.hasSuffix("/") { base.removeLast() }
        guard let origin = Origin(base), let components = URLComponents(string: base), components.query == nil,
            components.fragment == nil
        else { throw LetheError(.usage, "the hub's address must be http:// or https:// with a host") }
        if let token = token?.reveal() {
            guard (1...4096).contains(token.utf8.count), token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                throw LetheError(.usage, "the hub's token is not printable ASCII without blanks")
            }
            guard origin.scheme == "https" || LoopbackHost.isLoopback(host: origin.host) else {
                throw LetheError(.usage, "a token is sent to another machine over https:// only")
            }
        }
        self.base = base
        self.origin = origin
        self.token = token
        self.authorities = authorities
    }

    /// An exchange with an address, which may be another host's: the token goes with it only where it belongs.
    func transfer(_ url: String, headers: [(name: String, value: String)] = []) -> HTTPTransfer {
        var transfer = HTTPTransfer(url: url, headers: headers)
        transfer.protocols = origin.scheme == "https" ? "https" : "http,https"
        transfer.authorities = authorities
        if let token, Origin(url) == origin {
            transfer.headers.append(("Authorization", "Bearer \(token.reveal())"))
        }
        return transfer
    }

    /// Where a redirect leads.
    /// - Throws: `unavailable` for one that leads nowhere, or out of TLS.
    package func target(of location: String?, from url: String) throws -> String {
        guard let location, let resolved = URL(string: location, relativeTo: URL(string: url))?.absoluteString,
            let next = Origin(resolved)
        else { throw LetheError(.unavailable, "the hub redirects to no address") }
        guard next.scheme == "https" || origin.scheme == "http" else {
            throw LetheError(.unavailable, "the hub redirects to an address without TLS")
        }
        return resolved
    }
}
