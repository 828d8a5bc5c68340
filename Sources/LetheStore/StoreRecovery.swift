import Foundation
import LetheCore

/// What a start does before anything is served: bring files and rows back together after whatever ended the last run.
///
/// Every step can be interrupted and repeated.
public struct StoreRecovery: Sendable {
    /// The state of what is to be served.
    public enum Head: Sendable, Equatable {
        /// As its manifest says.
        case intact
        /// Missing or changed: do not serve it, and do not build on it.
        case damaged(LetheError)
    }

    /// What was found and done.
    public struct Report: Sendable {
        /// How many unfinished stagings were deleted.
        public internal(set) var temporaries = 0
        /// Generations that nothing referred to, deleted, by model.
        public internal(set) var unreferenced: [String: [String]] = [:]
        /// How many announced deletions were finished.
        public internal(set) var purges = 0
        /// Requests that were held by an earlier run and are queued again.
        public internal(set) var rescued: [RequestID] = []
        /// The head of every model.
        public internal(set) var heads: [String: Head] = [:]
    }

    private let database: LetheDatabase
    private let generations: GenerationStore
    private let failPoints: FailPoints

    /// Prepares a recovery of one data directory.
    public init(database: LetheDatabase, generations: GenerationStore, failPoints: FailPoints = .environment) {
        self.database = database
        self.generations = generations
        self.failPoints = failPoints
    }

    /// Checks the database, deletes stagings and unreferenced generations, finishes purges, verifies every head,
    /// takes orphaned requests back and signs the audit log.
    /// - Parameter depth: how closely heads are verified.
    /// - Throws: ``LetheError`` with code `bad_data` when the database itself is damaged. A damaged head is reported,
    ///   not thrown, so that a read-only service can start.
    @discardableResult
    public func run(depth: GenerationStore.Depth = .contents) async throws -> Report {
        var report = Report()
        try await database.check()
        for model in try generations.modelFolders() { report.temporaries += try generations.deleteTemporaries(model) }
        try failPoints.reach("recovery.after_temporary")
        let registered = try await database.models().map(\.name)
        for model in try generations.modelFolders() {
            var keeping: Set<String> = []
            if registered.contains(model) {
                keeping = Set(try await database.generations(model).filter { $0.state != .purged }.map(\.folder))
            }
            let deleted = try generations.collect(model, keeping: keeping)
            if !deleted.isEmpty { report.unreferenced[model] = deleted }
        }
        try failPoints.reach("recovery.after_unreferenced")
        for (model, generation) in try await database.unfinishedPurges() {
            try generations.delete(model, folder: generation.folder)
            try await database.finishPurge(model, number: generation.number)
            report.purges += 1
        }
        try failPoints.reach("recovery.after_purges")
        for model in registered {
            do {
                try generations.verify(model, await database.head(model), depth: depth)
                report.heads[model] = .intact
            } catch let error as LetheError where error.code != .syncFailed {
                report.heads[model] = .damaged(error)
            }
        }
        report.rescued = try await database.rescueOrphans()
        try await database.signAuditHead()
        try failPoints.reach("recovery.after_rescue")
        return report
    }

    /// Deletes one generation for good: announces it, deletes its files, records it.
    /// - Returns: the requests that are `purged` by it.
    /// - Throws: as ``LetheDatabase/beginPurge(_:number:)``.
    public func purge(_ model: String, number: Int) async throws -> [RequestID] {
        let generation = try await database.beginPurge(model, number: number)
        try failPoints.reach("purge.after_begin")
        try generations.delete(model, folder: generation.folder)
        try failPoints.reach("purge.after_delete")
        let purged = try await database.finishPurge(model, number: number)
        try failPoints.reach("purge.after_finish")
        return purged
    }
}
