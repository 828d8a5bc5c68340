import Foundation
import GRDB
import LetheCore
import Synchronization

/// The durable record of requests, models and generations.
///
/// One connection makes every write and every checkpoint: SQLite before 3.51.3 can lose commits when two
/// connections write and checkpoint at the same moment. The other connections are opened read-only, never
/// checkpoint, and see every commit that returned before the read began, so that reads never wait for a long write.
///
/// Every verb that changes something is one transaction: the row, its event and what belongs to them become durable
/// together (WAL, synchronous=FULL) before the verb returns, or not at all. Errors are ``LetheError``; beside those
/// that a verb lists, every verb can throw `disk_full`, and `sync_failed` after which the object refuses to write
/// and the process has to exit.
public final class LetheDatabase: Sendable {
    /// Names this start of the program; rows held under another name are orphans.
    public let bootID: String

    let directory: DataDirectory
    let clock: any WallClock
    let failPoints: FailPoints
    let cipher: PayloadCipher
    /// Signs certificates and heads of the audit log.
    let signingKey: SigningKey
    let identifiers = UUIDv7.Generator()
    let submissions = Mutex(SubmitQueue())
    let eventFeed = EventFeed()
    let webhookFeed = EventFeed()
    let evaluationFeed = EventFeed()
    let keyRing = KeyRing()
    /// How long an idempotency key is remembered.
    let idempotencyWindow: TimeInterval
    /// What submissions have to leave free.
    public let admission: AdmissionLimits

    private let writer: DatabaseQueue
    private let readers: [DatabaseQueue]
    /// For reads that take long, so that short ones do not queue behind them.
    private let scanner: DatabaseQueue
    private let nextReader = Atomic<Int>(0)
    private let log = Mutex(LogState())
    private let (failureStream, failureReport) = AsyncStream.makeStream(
        of: LetheError.self, bufferingPolicy: .bufferingNewest(1))

    private struct LogState {
        /// About how much was written to the log since the last checkpoint.
        var bytes = 0
        /// With how much a checkpoint is due.
        var checkpointBytes = 2 << 20
        var commitTime = MovingAverage(1e-3)
        var truncationIsDue = false
        var lastCreation: Int64 = 0
        var failure: LetheError?
    }

    /// Opens the database of a data directory, creating or migrating it.
    ///
    /// - Parameters:
    ///   - directory: the locked directory; kept for the life of the object.
    ///   - clock: gives the times of rows and deadlines.
    ///   - idempotencyWindow: seconds for which an idempotency key is remembered.
    ///   - admission: when submissions are refused.
    ///   - failPoints: where crash tests act.
    /// - Throws: ``LetheError`` with code `unsupported` when the schema is newer than this program, `missing_input`
    ///   when the database is there and its master key is not, `forbidden` when others may read the key, `bad_data`
    ///   when the database is damaged or belongs to another key or program.
    public init(
        directory: DataDirectory, clock: any WallClock = SystemClock(), idempotencyWindow: TimeInterval = 172_800,
        admission: AdmissionLimits = AdmissionLimits(), failPoints: FailPoints = .environment
    ) throws {
        self.directory = directory
        self.clock = clock
        self.idempotencyWindow = idempotencyWindow
        self.admission = admission
        self.failPoints = failPoints
        let path = directory.databaseURL.path
        bootID = UUID().uuidString.lowercased()

        let isNew = !FileSystem.exists(path)
        if isNew { try FileSystem.writeNew(path, Data(), mode: 0o600) }
        let writer = try StoreErrors.mapping {
            try DatabaseQueue(path: path, configuration: Self.writerConfiguration())
        }
        let hasSettings = try StoreErrors.mapping {
            try writer.inDatabase { db in
                try SchemaMigrator.migrate(db)
                return try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM settings)") ?? false
            }
        }
        try FileSystem.syncFolder(directory.url.path)
        let master = try MasterKey.load(directory.masterKeyURL, create: !hasSettings)
        cipher = PayloadCipher(master: master)
        signingKey = try SigningKey.load(directory.signingKeyURL, failPoints: failPoints)
        try StoreErrors.mapping {
            try writer.inDatabase { db in try Self.checkKey(db, master, hasSettings: hasSettings) }
        }
        let lastCreation = try StoreErrors.mapping {
            try writer.read { try Int64.fetchOne($0, sql: "SELECT max(created_at) FROM requests") ?? 0 }
        }
        log.withLock { $0.lastCreation = lastCreation }
        keyRing.load(try StoreErrors.mapping { try writer.read(Self.storedKeys) })
        self.writer = writer
        readers = try StoreErrors.mapping {
            try (0..<3).map { try DatabaseQueue(path: path, configuration: Self.readerConfiguration("reader-\($0)")) }
        }
        scanner = try StoreErrors.mapping {
            try DatabaseQueue(path: path, configuration: Self.readerConfiguration("scanner"))
        }
        try StoreErrors.mapping { try writer.writeWithoutTransaction(prepareAudit) }
    }

    private static func checkKey(_ db: Database, _ master: MasterKey, hasSettings: Bool) throws {
        if hasSettings {
            let check = try Data.fetchOne(db, sql: "SELECT key_check FROM settings")
            guard check == master.check else {
                throw LetheError(
                    .badData, "master.key is not the key that lethe.sqlite was made with; restore the file")
            }
        } else {
            try db.inTransaction(.immediate) {
                try db.execute(
                    sql: "INSERT INTO settings (id, key_check, fence) VALUES (1, ?, 0)", arguments: [master.check])
                return .commit
            }
        }
    }

    private static func writerConfiguration() -> Configuration {
        var configuration = Configuration()
        configuration.label = "lethe.writer"
        configuration.busyMode = .timeout(5)
        configuration.maximumReaderCount = 1
        configuration.prepareDatabase { db in
            let mode = try String.fetchOne(db, sql: "PRAGMA journal_mode = WAL")
            guard mode == "wal" else {
                throw LetheError(.unsupported, "lethe.sqlite cannot use a write-ahead log here")
            }
            // Checkpoints are made by `checkpointIfDue` alone.
            _ = try Int.fetchOne(db, sql: "PRAGMA wal_autocheckpoint = 0")
            try db.execute(sql: "PRAGMA synchronous = FULL")
            _ = try Int.fetchOne(db, sql: "PRAGMA secure_delete = ON")
            try Self.harden(db)
        }
        return configuration
    }

    private static func readerConfiguration(_ name: String) -> Configuration {
        var configuration = Configuration()
        configuration.label = "lethe.\(name)"
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { db in
            _ = try Int.fetchOne(db, sql: "PRAGMA wal_autocheckpoint = 0")
            try Self.harden(db)
        }
        return configuration
    }

    private static func harden(_ db: Database) throws {
        try db.execute(sql: "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY")
        _ = try Int.fetchOne(db, sql: "PRAGMA mmap_size = 0")
    }

    /// The version of the SQLite library in use; before 3.51.3 it has the WAL-reset bug that the single writer avoids.
    public static var sqliteVersion: String {
        (try? DatabaseQueue().read { try String.fetchOne($0, sql: "SELECT sqlite_version()") }) ?? "unknown"
    }

    /// What made the store stop writing, if anything did.
    public var failure: LetheError? { log.withLock { $0.failure } }

    /// Waits until the store has to stop writing.
    /// - Returns: what made it stop; nil when the calling task is cancelled. For one caller.
    public func nextFailure() async -> LetheError? { await failureStream.first { _ in true } }

    /// Whether the disk has as much free space as submissions have to leave.
    public var hasFreeDisk: Bool { (try? directory.availableBytes()).map { $0 >= admission.freeBytes } ?? true }

    /// Signs the audit log, checkpoints and closes every connection. Call it when no verb is under way any more.
    public func close() throws {
        try StoreErrors.mapping {
            for reader in readers + [scanner] { try reader.close() }
            if failure == nil {
                try writer.writeWithoutTransaction { db in
                    try signLastHead(db)
                    _ = try db.checkpoint(.truncate)
                }
            }
            try writer.close()
        }
        eventFeed.finish()
        webhookFeed.finish()
        evaluationFeed.finish()
    }

    // MARK: - Connections

    /// Runs `body` in one transaction on the writing connection; durable when this returns.
    ///
    /// Not cancelled with the calling task, so that the outcome is never in doubt.
    func write<Value: Sendable>(
        _ point: String, bytes: Int = 0, _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws -> Value {
        let actor = AuditActor.current
        return try await withCheckedThrowingContinuation { continuation in
            writer.asyncWriteWithoutTransaction { db in
                let result = AuditActor.$current.withValue(actor) {
                    Result { try self.transaction(db, point, bytes: bytes, body) }
                }
                continuation.resume(with: result)
            }
        }
    }

    /// Queues `body` on the writing connection, outside of a transaction.
    func onWriter(_ body: @escaping @Sendable (Database) -> Void) {
        writer.asyncWriteWithoutTransaction(body)
    }

    /// One transaction with its fail points, and a checkpoint when one is due; a fatal failure closes the store for
    /// writing.
    func transaction<Value>(
        _ db: Database, _ point: String, bytes: Int, _ body: (Database) throws -> Value
    ) throws -> Value {
        let value = try commit(db, point, body)
        checkpointIfDue(db, bytes: bytes)
        return value
    }

    /// The same without the checkpoint, for callers who have somebody to tell first.
    func commit<Value>(_ db: Database, _ point: String, _ body: (Database) throws -> Value) throws -> Value {
        if let failure { throw failure }
        do {
            var value: Value?
            var began = ContinuousClock.now
            try db.inTransaction(.immediate) {
                value = try body(db)
                try failPoints.reach(FailPoint(rawValue: "\(point).before_commit"))
                began = .now
                return .commit
            }
            log.withLock { $0.commitTime.add(.now - began) }
            try failPoints.reach(FailPoint(rawValue: "\(point).after_commit"))
            let last = try Int64.fetchOne(db.cachedStatement(sql: "SELECT max(sequence) FROM events"))
            eventFeed.publish(last ?? 0)
            return value!
        } catch {
            let mapped = StoreErrors.map(error)
            if StoreErrors.isFatal(mapped) { refuseWrites(mapped) }
            throw mapped
        }
    }

    private func refuseWrites(_ error: any Error) {
        guard let error = error as? LetheError else { return }
        log.withLock { state in
            if state.failure == nil { state.failure = error }
        }
        failureReport.yield(error)
    }

    /// Runs `body` in one read transaction on a read-only connection.
    func read<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        let turn = nextReader.wrappingAdd(1, ordering: .relaxed).oldValue
        let reader = readers[Int(UInt(bitPattern: turn) % UInt(readers.count))]
        do { return try await reader.read(body) } catch { throw StoreErrors.map(error) }
    }

    /// Like ``read(_:)``, for reads that take long.
    func scan<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        do { return try await scanner.read(body) } catch { throw StoreErrors.map(error) }
    }

    /// Seconds that a commit takes: how long the disk needs for a sync.
    var commitTime: Double { log.withLock { $0.commitTime.seconds } }

    // MARK: - Checkpoints

    /// Moves the log into the database file now and then, or empties it when keys were destroyed.
    ///
    /// Every writer waits for it. How much is moved at once therefore follows from how long that takes: some ten
    /// milliseconds, or as long as eight commits on a slow disk.
    func checkpointIfDue(_ db: Database, bytes: Int) {
        let mode: Database.CheckpointMode? = log.withLock { state in
            // A commit of a few rows writes some fifteen pages of tables and indexes beside its own bytes.
            state.bytes += bytes + (64 << 10)
            guard state.truncationIsDue || state.bytes >= state.checkpointBytes else { return nil }
            return state.truncationIsDue ? .truncate : .passive
        }
        guard let mode else { return }
        do {
            // A reader in the middle of a read holds its part of the log: do not wait, try again next time.
            try db.execute(sql: "PRAGMA busy_timeout = 0")
            defer { try? db.execute(sql: "PRAGMA busy_timeout = 5000") }
            let began = ContinuousClock.now
            _ = try db.checkpoint(mode)
            let seconds = (ContinuousClock.now - began) / .seconds(1)
            log.withLock { state in
                let isSlow = seconds > max(0.01, 8 * state.commitTime.seconds)
                state.checkpointBytes = max(
                    1 << 20, min(8 << 20, isSlow ? state.checkpointBytes / 2 : state.checkpointBytes * 5 / 4))
                state.bytes = 0
                if mode == .truncate { state.truncationIsDue = false }
            }
        } catch {
            // The commit stands whatever becomes of the checkpoint; only a failed write or fsync is fatal.
            let mapped = StoreErrors.map(error)
            if StoreErrors.isFatal(mapped) { refuseWrites(mapped) }
        }
    }

    /// Empties the log at the next opportunity, so that no frame with a destroyed key stays in it.
    func requestTruncation() { log.withLock { $0.truncationIsDue = true } }

    /// Empties the write-ahead log; used after keys were destroyed.
    /// - Returns: false when a reader was in the way; the next commit tries again.
    @discardableResult
    public func truncateLog() async throws -> Bool {
        requestTruncation()
        return await withCheckedContinuation { continuation in
            writer.asyncWriteWithoutTransaction { db in
                self.checkpointIfDue(db, bytes: 0)
                continuation.resume(returning: self.log.withLock { !$0.truncationIsDue })
            }
        }
    }

    /// SQLite's own check of the database file. Reads all of it.
    /// - Parameter full: also compares indexes with tables and looks for rows that point nowhere, which takes longer.
    /// - Throws: ``LetheError`` with code `bad_data` when it is damaged.
    public func check(full: Bool = false) async throws {
        let problems = try await scan { db in
            try String.fetchAll(db, sql: full ? "PRAGMA integrity_check(1)" : "PRAGMA quick_check(1)")
        }
        guard problems == ["ok"] else { throw LetheError(.badData, "lethe.sqlite is damaged; restore a backup") }
        guard full else { return }
        let violations = try await scan { try Row.fetchAll($0, sql: "PRAGMA foreign_key_check").count }
        guard violations == 0 else { throw LetheError(.badData, "lethe.sqlite has rows that point nowhere") }
    }

    /// The size of the write-ahead log in bytes.
    var logBytes: Int { (try? FileSystem.status(directory.databaseURL.path + "-wal").size) ?? 0 }

    // MARK: - Times

    /// The time of a row.
    func now() -> Int64 { StoreTime.microseconds(clock.now()) }

    /// The time of a new request: later than that of every earlier one, so that lists stay in order of commit even
    /// when the clock steps back. Call it on the writing connection only.
    func nextCreation() -> Int64 {
        let now = now()
        return log.withLock { state in
            state.lastCreation = max(now, state.lastCreation + 1)
            return state.lastCreation
        }
    }
}
