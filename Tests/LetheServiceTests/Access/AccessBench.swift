import Foundation
import HTTPTypes
import LetheCore
import LetheService
import LetheStore

extension ServiceBench {
    /// Makes a key with these scopes, and gives the header that presents it.
    func key(_ scopes: Set<AccessScope>, expiresAt: Date? = nil) async throws -> (row: APIKeyRow, header: HTTPFields) {
        let (row, token) = try await database.createKey(
            NewAPIKey(name: "test", scopes: scopes, expiresAt: expiresAt), by: .owner)
        return (row, [.authorization: "Bearer \(token.text.reveal())"])
    }
}

extension HTTPConfiguration {
    /// Takes the rate limits away.
    mutating func withoutRateLimits() {
        limits.keyRate = RateLimit(perSecond: 1e6, burst: 1e6)
        limits.addressRate = limits.keyRate
        limits.failureRate = limits.keyRate
    }
}
