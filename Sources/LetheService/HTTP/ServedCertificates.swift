import LetheCore
import NIOCore
import NIOSSL
import Synchronization

/// The certificate that the daemon shows, which can be replaced while it runs.
final class ServedCertificates: Sendable {
    private let files: TLSFiles
    private let current: Mutex<TLSFiles.Identity>

    /// Reads the files.
    /// - Throws: as ``TLSFiles/identity()``.
    init(_ files: TLSFiles) throws {
        self.files = files
        current = Mutex(try files.identity())
    }

    /// Reads the files again; connections from then on are shown what they hold. When this throws, everything stays
    /// as it was.
    /// - Throws: as ``TLSFiles/identity()``.
    func reload() throws {
        let identity = try files.identity()
        current.withLock { $0 = identity }
    }

    /// The configuration of the sockets, which asks for the certificate at each handshake.
    func configuration() -> TLSConfiguration {
        var configuration = current.withLock { $0.configuration }
        configuration.sslContextCallback = { [self] _, promise in
            var override = NIOSSLContextConfigurationOverride()
            let identity = current.withLock { $0 }
            override.certificateChain = identity.chain
            override.privateKey = identity.key
            promise.succeed(override)
        }
        return configuration
    }
}
