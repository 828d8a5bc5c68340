import LetheCore
import Logging
import ServiceLifecycle
import UnixSignals

/// Reads the TLS files again at SIGHUP; without TLS the signal is taken and nothing happens.
struct CertificateReloader: Service {
    let certificates: ServedCertificates?
    let logger: Logger

    /// Works until the service group shuts down.
    func run() async throws {
        await cancelWhenGracefulShutdown {
            for await _ in await UnixSignalsSequence(trapping: .sighup) {
                guard let certificates else {
                    logger.notice("SIGHUP: there are no TLS files to read again")
                    continue
                }
                do {
                    try certificates.reload()
                    logger.notice("certificate reloaded")
                } catch {
                    logger.error(
                        "certificate not reloaded, the earlier one stays",
                        metadata: ["error": "\((error as? LetheError)?.description ?? "unexpected error")"])
                }
            }
        }
    }
}
