import Foundation
import Synchronization

/// Which fail points are armed, and what they do.
///
/// The process has one set, ``environment``; tests pass a set of their own to the object under test.
public final class FailPoints: Sendable {
    /// What an armed fail point does.
    public enum Action: String, Sendable, CaseIterable {
        /// Ends the process with SIGKILL, as a crash would.
        case kill
        /// Stops the process with SIGSTOP until somebody continues it.
        case stop
        /// Throws an I/O error.
        case error
        /// Throws what a full disk throws.
        case full
        /// Throws what a failed fsync throws.
        case sync
    }

    private struct Armed {
        var action: Action
        /// The fail point acts from this arrival on.
        var arrival: Int
        var arrivals = 0
    }

    private let armed: Mutex<[FailPoint: Armed]>
    private let isEmpty: Bool
    private let malformed: Bool
    private let hook: (point: FailPoint, body: @Sendable () throws -> Void)?

    /// Reads a comma-separated list of `name:action` or `name:action:arrival`; the arrival counts from 1, and the
    /// fail point acts at that arrival and at every later one. A list that cannot be read makes every fail point
    /// throw, so that a misspelt crash test cannot pass.
    public init(_ list: String = "") {
        var points: [FailPoint: Armed] = [:]
        var malformed = false
        for entry in list.split(separator: ",", omittingEmptySubsequences: true) {
            let fields = entry.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            let arrival = fields.count == 3 ? Int(fields[2]) ?? 0 : 1
            guard (2...3).contains(fields.count), !fields[0].isEmpty, let action = Action(rawValue: fields[1]),
                arrival > 0
            else {
                malformed = true
                continue
            }
            points[FailPoint(rawValue: fields[0])] = Armed(action: action, arrival: arrival)
        }
        isEmpty = points.isEmpty && !malformed
        self.malformed = malformed
        hook = nil
        armed = Mutex(points)
    }

    /// Runs `body` on every arrival at one point, for tests that have to see the program in the middle of something.
    package init(at point: FailPoint, perform body: @escaping @Sendable () throws -> Void) {
        isEmpty = false
        malformed = false
        hook = (point, body)
        armed = Mutex([:])
    }

    /// The set that `LETHE_FAILPOINT` names; empty without it.
    public static let environment = FailPoints(ProcessInfo.processInfo.environment["LETHE_FAILPOINT"] ?? "")

    /// Acts when `point` is armed and its arrival has come.
    public func reach(_ point: FailPoint) throws {
        if isEmpty { return }
        if malformed { throw LetheError(.usage, "LETHE_FAILPOINT is not a list of name:action[:arrival]") }
        if let hook, hook.point == point { return try hook.body() }
        let action: Action? = armed.withLock { points in
            guard var entry = points[point] else { return nil }
            entry.arrivals += 1
            points[point] = entry
            return entry.arrivals >= entry.arrival ? entry.action : nil
        }
        switch action {
        case nil: return
        case .kill: kill(getpid(), SIGKILL)
        case .stop: kill(getpid(), SIGSTOP)
        case .error: throw LetheError(.ioError, "fail point \(point.rawValue)")
        case .full: throw LetheError(.diskFull, "fail point \(point.rawValue)")
        case .sync: throw LetheError(.syncFailed, "fail point \(point.rawValue)")
        }
    }
}

extension LetheError.Code {
    /// An fsync, or a write that a commit depends on, failed: what is on disk is unknown.
    ///
    /// Linux may report the next fsync as a success although the data is lost, so the process has to stop writing,
    /// exit with a non-zero status and recover at the next start.
    public static let syncFailed = LetheError.Code(rawValue: "sync_failed")
    /// A change asked for on the condition that the object had not changed, and it had.
    public static let preconditionFailed = LetheError.Code(rawValue: "precondition_failed")
}
