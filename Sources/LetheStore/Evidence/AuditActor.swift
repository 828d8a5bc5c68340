/// Who makes changes: what the audit log names beside each of them.
///
/// Whoever lets others in sets ``current`` around the work: the HTTP interface, the worker, the keeper.
public struct AuditActor: Sendable, Hashable {
    /// 1 to 64 of a-z, 0-9, `_`, `-`, `.` and `:`; others are written as `unknown`.
    public let rawValue: String

    /// Names an actor, such as the id of an API key.
    public init(_ rawValue: String) {
        let isPlain =
            (1...64).contains(rawValue.utf8.count)
            && rawValue.utf8.allSatisfy { byte in
                (97...122).contains(byte) || (48...58).contains(byte) || [45, 46, 95].contains(byte)
            }
        self.rawValue = isPlain ? rawValue : "unknown"
    }

    /// A command that works on the data directory itself.
    public static let commandLine = AuditActor("cli")
    /// The daemon, of its own accord.
    public static let daemon = AuditActor("daemon")
    /// A caller of the HTTP interface.
    public static let api = AuditActor("api")
    /// The worker that carries requests out.
    public static let worker = AuditActor("worker")
    /// What destroys texts and purges generations when their time is over.
    public static let keeper = AuditActor("keeper")

    /// Who makes the changes of this task.
    @TaskLocal public static var current = AuditActor.commandLine
}
