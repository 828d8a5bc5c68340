import Foundation
import LetheCore

/// What a daemon does now and then so that nothing personal is kept longer than it has to be.
public struct StoreMaintenance: Sendable {
    /// How long things are kept.
    public struct Policy: Sendable, Equatable {
        /// Seconds between the end of a request and the destruction of its text.
        public var textRetention: TimeInterval = 604_800
        /// Seconds between the moment at which a generation stopped being the head and its deletion; nil keeps
        /// generations until somebody purges them.
        public var generationRetention: TimeInterval?
        /// How many of the latest former heads stay nevertheless, for rollbacks.
        public var keptGenerations = 0

        /// A policy that destroys texts after seven days and deletes no generation.
        public init() {}
    }

    /// What was done.
    public struct Report: Sendable, Equatable {
        /// Requests whose text was destroyed.
        public internal(set) var destroyed: [RequestID] = []
        /// Generations that were deleted, by model.
        public internal(set) var deleted: [String: [Int]] = [:]
        /// Requests that became `purged` by it.
        public internal(set) var purged: [RequestID] = []
    }

    private let database: LetheDatabase
    private let recovery: StoreRecovery
    private let policy: Policy

    /// Prepares the maintenance of one data directory.
    public init(
        database: LetheDatabase, generations: GenerationStore, policy: Policy, failPoints: FailPoints = .environment
    ) {
        self.database = database
        recovery = StoreRecovery(database: database, generations: generations, failPoints: failPoints)
        self.policy = policy
    }

    /// Destroys the texts and deletes the generations whose time is over. Each is a transaction or a journaled
    /// deletion of its own: it can be interrupted anywhere and repeated.
    ///
    /// A generation that somebody is reading keeps its bytes on disk until it is closed.
    @discardableResult
    public func run(at now: Date) async throws -> Report {
        var report = Report()
        while true {
            let destroyed = try await database.destroyPayloads(
                finalizedBefore: now.addingTimeInterval(-policy.textRetention))
            if destroyed.isEmpty { break }
            report.destroyed += destroyed
        }
        if !report.destroyed.isEmpty { try await database.truncateLog() }
        guard let retention = policy.generationRetention else { return report }
        let before = now.addingTimeInterval(-retention)
        for model in try await database.models() {
            let candidates = try await database.purgeCandidates(
                model.name, supersededBefore: before, keeping: policy.keptGenerations)
            let evaluated = try await database.evaluatedGenerations(model.name)
            for candidate in candidates where !evaluated.contains(candidate.number) {
                report.purged += try await recovery.purge(model.name, number: candidate.number)
                report.deleted[model.name, default: []].append(candidate.number)
            }
        }
        return report
    }
}
