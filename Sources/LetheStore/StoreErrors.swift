import GRDB
import LetheCore

/// Turns SQLite's errors into the project's.
///
/// SQLite's messages name tables and columns, never bound values; they are passed on, statements and arguments are
/// not.
enum StoreErrors {
    /// The error to throw for `error`.
    static func map(_ error: any Error) -> any Error {
        guard let database = error as? DatabaseError else { return error }
        let message = "database: \(database.message ?? "no message") (SQLite \(database.extendedResultCode.rawValue))"
        switch database.resultCode {
        case .SQLITE_FULL: return LetheError(.diskFull, message)
        case .SQLITE_IOERR: return LetheError(.syncFailed, message)
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: return LetheError(.badData, message)
        case .SQLITE_BUSY, .SQLITE_LOCKED: return LetheError(.unavailable, message)
        case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM: return LetheError(.ioError, message)
        default: return LetheError(.internalError, message)
        }
    }

    /// Whether nothing more may be written after `error`: what is on disk is no longer known.
    static func isFatal(_ error: any Error) -> Bool {
        (error as? LetheError)?.code == .syncFailed
    }

    /// Runs `body` with its errors mapped.
    static func mapping<Result>(_ body: () throws -> Result) throws -> Result {
        do { return try body() } catch { throw map(error) }
    }
}
