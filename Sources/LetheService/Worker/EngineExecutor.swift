import Foundation

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

    init(name: String) {
        let thread = Thread { [self] in
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
