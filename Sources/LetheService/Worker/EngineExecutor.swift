import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A serial executor on one thread of its own.
///
/// Kernels run for seconds; on this thread they never occupy the cooperative threads that serve HTTP, and the OpenMP
/// threads, which belong to the thread that starts them, stay the same.
final class EngineExecutor: SerialExecutor {
    // Safe: the condition's lock guards every access to `jobs`.
    private final class Queue: @unchecked Sendable {
        let condition = NSCondition()
        var jobs: [UnownedJob] = []
    }

    private let queue = Queue()

    /// - Parameter niceness: by how much the thread, and the OpenMP threads that it starts, give way to the others of
    ///   the process and the machine; 0 to 19.
    init(name: String, niceness: Int32 = 0) {
        let thread = Thread { [self] in
            // On Linux 0 is the calling thread. Where it is refused the engine only competes as an equal.
            if niceness > 0 { _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, niceness) }
            while true {
                queue.condition.lock()
                while queue.jobs.isEmpty { queue.condition.wait() }
                let job = queue.jobs.removeFirst()
                queue.condition.unlock()
                job.runSynchronously(on: asUnownedSerialExecutor())
            }
        }
        thread.name = name
        thread.stackSize = 16 << 20
        thread.start()
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.condition.lock()
        queue.jobs.append(job)
        queue.condition.signal()
        queue.condition.unlock()
    }
}
