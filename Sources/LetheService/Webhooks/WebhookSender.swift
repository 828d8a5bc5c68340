import Foundation
import LetheCore
import LetheStore

/// Makes one attempt at a delivery.
struct WebhookSender: Sendable {
    /// How an attempt ended.
    enum Outcome: Sendable, Equatable {
        case delivered
        /// - Parameter wait: what the receiver asked for with `Retry-After`.
        case failed(WebhookFailure, status: Int?, wait: Duration?)
    }

    let policy: WebhookPolicy
    var resolve: @Sendable (String) async -> [PublicAddress] = HostResolver.addresses

    /// Resolves the name once, refuses it unless every address is public, and connects to the one that was checked:
    /// a name that changes its address in between gains nothing. No redirects, no proxy of the environment.
    /// - Throws: `CancellationError`.
    func send(_ message: WebhookMessage, to target: WebhookTarget, at now: Date) async throws -> Outcome {
        guard let url = try? WebhookURL(target.url.reveal(), policy: policy) else {
            return .failed(.forbiddenAddress, status: nil, wait: nil)
        }
        let address: PublicAddress
        switch await self.address(of: url) {
        case .success(let found): address = found
        case .failure(let reason): return .failed(reason.failure, status: nil, wait: nil)
        }
        var transfer = HTTPTransfer(
            method: .post, url: url.text, headers: message.headers(secret: target.secret.reveal(), at: now),
            body: message.body, timeout: policy.timeout)
        transfer.protocols = url.scheme
        transfer.pinned = HTTPTransfer.Pin(host: url.host, port: url.port, address: address.text)
        transfer.answerBytes = policy.answerBytes
        do {
            let answer = try await transfer.answer()
            switch answer.status {
            case 200...299: return .delivered
            case 410: return .failed(.gone, status: 410, wait: nil)
            default: return .failed(.status, status: answer.status, wait: wait(answer.headers["retry-after"]))
            }
        } catch let error as LetheError {
            return .failed(error.code == .limitExceeded ? .tooLarge : .unreachable, status: nil, wait: nil)
        }
    }

    private struct Refusal: Error {
        let failure: WebhookFailure
    }

    private func address(of url: WebhookURL) async -> Result<PublicAddress, Refusal> {
        let found: [PublicAddress]
        if let address = url.address { found = [address] } else { found = await resolve(url.host) }
        guard let first = found.first else { return .failure(Refusal(failure: .notResolved)) }
        let areLoopback = found.allSatisfy(\.isLoopback)
        let mayBeLoopback =
            policy.allowsLoopback && (url.address != nil || url.host.utf8.elementsEqual("localhost".utf8))
        guard found.allSatisfy(\.isPublic) || (areLoopback && mayBeLoopback) else {
            return .failure(Refusal(failure: .forbiddenAddress))
        }
        return .success(first)
    }

    private func wait(_ retryAfter: String?) -> Duration? {
        retryAfter.flatMap(QueryParameters.decimal).map { min(policy.longestWait, .seconds(min($0, 86_400))) }
    }
}
