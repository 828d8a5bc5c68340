import Synchronization

/// Counts open event streams and refuses more than a limit.
final class EventStreamSlots: Sendable {
    /// One open stream; giving up the last reference frees the place, however the exchange ended.
    final class Slot: Sendable {
        private let owner: EventStreamSlots

        fileprivate init(_ owner: EventStreamSlots) { self.owner = owner }

        deinit { owner.open.withLock { $0 -= 1 } }
    }

    /// The most streams at once.
    let limit: Int
    private let open = Mutex(0)

    init(limit: Int) { self.limit = limit }

    /// How many streams are open.
    var count: Int { open.withLock { $0 } }

    /// A place, or nil when all are taken.
    func take() -> Slot? {
        let isTaken = open.withLock { open in
            guard open < limit else { return false }
            open += 1
            return true
        }
        return isTaken ? Slot(self) : nil
    }
}
