import Crypto
import Foundation
import GRDB
import LetheCore
import Migrations

/// Brings a database to the schema of this program: forward only, each step in one transaction, so that a crash
/// leaves the version before or the version after.
enum SchemaMigrator {
    /// Marks the file as Lethe's: "Leth" in ASCII.
    static let applicationID: Int32 = 0x4C65_7468

    /// Applies what is missing.
    /// - Throws: ``LetheError`` with code `unsupported` when the database is newer than this program, `bad_data` when
    ///   it is another program's or an applied step is not the one that this program knows.
    static func migrate(_ db: Database, steps: [Migrations.Step] = Migrations.steps) throws {
        let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        let application = try Int32.fetchOne(db, sql: "PRAGMA application_id") ?? 0
        if version == 0 {
            let objects = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema") ?? 0
            guard objects == 0, application == 0 || application == applicationID else {
                throw LetheError(.badData, "lethe.sqlite is another program's database")
            }
        } else {
            guard application == applicationID else {
                throw LetheError(.badData, "lethe.sqlite is another program's database")
            }
            guard version <= steps.count else {
                throw LetheError(
                    .unsupported,
                    "lethe.sqlite has schema version \(version), this program knows \(steps.count): use a newer program"
                )
            }
            try checkApplied(db, Array(steps.prefix(version)))
        }
        for step in steps.dropFirst(version) {
            try db.inTransaction(.immediate) {
                if step.version == 1 {
                    try db.execute(
                        sql: """
                            CREATE TABLE schema_steps (
                                version INTEGER PRIMARY KEY,
                                name TEXT NOT NULL,
                                sha256 TEXT NOT NULL CHECK (length(sha256) = 64)
                            ) STRICT
                            """)
                    try db.execute(sql: "PRAGMA application_id = \(applicationID)")
                }
                try db.execute(sql: step.sql)
                try db.execute(
                    sql: "INSERT INTO schema_steps (version, name, sha256) VALUES (?, ?, ?)",
                    arguments: [step.version, step.name, digest(step)])
                try db.execute(sql: "PRAGMA user_version = \(step.version)")
                return .commit
            }
        }
    }

    /// The SHA-256 of a step's statements, in hexadecimal.
    static func digest(_ step: Migrations.Step) -> String {
        Hexadecimal.string(SHA256.hash(data: Data(step.sql.utf8)))
    }

    private static func checkApplied(_ db: Database, _ steps: [Migrations.Step]) throws {
        let applied = try Row.fetchAll(db, sql: "SELECT version, name, sha256 FROM schema_steps ORDER BY version")
        let same =
            applied.count == steps.count
            && zip(applied, steps).allSatisfy { row, step in
                row["version"] as Int == step.version && row["name"] as String == step.name
                    && row["sha256"] as String == digest(step)
            }
        guard same else {
            throw LetheError(.badData, "the schema of lethe.sqlite was not made by the steps that this program knows")
        }
    }
}
