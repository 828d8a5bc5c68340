import Foundation
import LetheCore
import NIOSSL

/// The certificate chain and the private key of a daemon that speaks TLS itself.
public struct TLSFiles: Sendable, Equatable {
    /// A PEM file with the certificate first, and then those that lead to its root.
    public var certificate: URL
    /// A PEM file with the private key; not readable by everybody.
    public var key: URL

    /// Names the files.
    public init(certificate: URL, key: URL) {
        self.certificate = certificate
        self.key = key
    }

    /// What the files hold, as a server shows it.
    struct Identity: Sendable {
        var chain: [NIOSSLCertificateSource]
        var key: NIOSSLPrivateKeySource

        /// The configuration of the sockets: TLS 1.2 and 1.3, no client certificates.
        var configuration: TLSConfiguration {
            var configuration = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: key)
            configuration.minimumTLSVersion = .tlsv12
            configuration.applicationProtocols = ["http/1.1"]
            return configuration
        }
    }

    /// Reads the files.
    /// - Throws: `missing_input` for a file that cannot be read, `bad_data` for one that holds something else or two
    ///   that do not belong together, `forbidden` for a key that everybody can read.
    func identity() throws -> Identity {
        for (file, option) in [(certificate, "--tls-certificate"), (key, "--tls-key")] {
            guard FileManager.default.isReadableFile(atPath: file.path) else {
                throw LetheError(.missingInput, "the file of \(option) cannot be read")
            }
        }
        let mode = try? FileManager.default.attributesOfItem(atPath: key.path)[.posixPermissions] as? NSNumber
        guard let mode, mode.intValue & 0o007 == 0 else {
            throw LetheError(.forbidden, "the file of --tls-key must not be readable by everybody")
        }
        let chain: [NIOSSLCertificate]
        do {
            chain = try NIOSSLCertificate.fromPEMFile(certificate.path)
        } catch {
            throw LetheError(.badData, "the file of --tls-certificate holds no PEM certificates")
        }
        guard !chain.isEmpty else {
            throw LetheError(.badData, "the file of --tls-certificate holds no PEM certificates")
        }
        let privateKey: NIOSSLPrivateKey
        do {
            privateKey = try NIOSSLPrivateKey(file: key.path, format: .pem)
        } catch {
            throw LetheError(.badData, "the file of --tls-key holds no PEM private key without a passphrase")
        }
        let identity = Identity(chain: chain.map { .certificate($0) }, key: .privateKey(privateKey))
        do {
            _ = try NIOSSLContext(configuration: identity.configuration)
        } catch {
            throw LetheError(.badData, "the files of --tls-certificate and --tls-key do not belong together")
        }
        return identity
    }
}
