/// A named place where a crash test can stop the program or make it fail.
///
/// The environment variable `LETHE_FAILPOINT` holds a list such as `publish.after_rename:kill` or
/// `update.after_step:error:3`; see ``FailPoints``. Without it a fail point costs one look at an empty table.
public struct FailPoint: RawRepresentable, Sendable, Hashable, ExpressibleByStringLiteral {
    /// The name, as in the environment variable.
    public let rawValue: String

    /// Names a point.
    public init(rawValue: String) { self.rawValue = rawValue }
    /// Names a point.
    public init(stringLiteral value: String) { rawValue = value }

    /// Says that the program has come to `point`.
    ///
    /// - Throws: what the environment asks for at this point; nothing in ordinary operation. May not return at all.
    public static func reach(_ point: FailPoint) throws {
        try FailPoints.environment.reach(point)
    }

    /// Every fail point of the store and the worker, in the order in which a request meets them; what a crash suite
    /// walks through.
    public static let all: [FailPoint] = [
        "register.before_commit", "register.after_commit",
        "submit.before_commit", "submit.after_commit",
        "claim.before_commit", "claim.after_commit",
        "progress.before_commit", "progress.after_commit",
        "update.before_first_step", "update.after_step", "update.before_verify",
        "verify.before_commit", "verify.after_commit", "update.after_check",
        "strengthen.before_commit", "strengthen.after_commit",
        "publish.after_stage", "publish.after_file_sync", "publish.after_manifest", "publish.after_folder_sync",
        "publish.after_rename", "publish.after_parent_sync",
        "complete.after_certificate", "complete.before_commit", "complete.after_commit",
        "release.before_commit", "release.after_commit",
        "retry.before_commit", "retry.after_commit",
        "fail.before_commit", "fail.after_commit",
        "cancel.before_commit", "cancel.after_commit",
        "rollback.before_commit", "rollback.after_commit",
        "destroy.before_commit", "destroy.after_commit",
        "purge.before_commit", "purge.after_commit",
        "purge.after_begin", "purge.after_delete", "purge.after_finish",
        "purge.after_certificate",
        "key_created.before_commit", "key_created.after_commit",
        "key_revoked.before_commit", "key_revoked.after_commit",
        "key.after_file", "key.before_commit", "key.after_commit", "head.before_commit", "head.after_commit",
        "recovery.after_temporary", "recovery.after_unreferenced", "recovery.after_purges",
        "rescue.before_commit", "rescue.after_commit", "recovery.after_rescue",
    ]
}
