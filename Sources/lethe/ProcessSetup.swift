import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What has to hold for the process before any work begins.
enum ProcessSetup {
    /// Forbids core dumps, which would hold request text and weights, and makes OpenMP's idle threads sleep instead of
    /// spin: on a machine that also serves HTTP, or that other programs share, spinning threads take the time of the
    /// one they wait for. A crash prints no registers with the memory that they point to, which may be text.
    /// OpenMP and the Swift runtime read their settings when they are loaded, so the program starts itself once more
    /// with them.
    static func prepare() {
        // A limit of 1 is too small for a file, and the only one that the kernel heeds where dumps go to a program
        // (`|` in core_pattern). Where the limit was 0 before, it cannot be raised any more.
        let core = __rlimit_resource_t(RLIMIT_CORE.rawValue)
        var one = rlimit(rlim_cur: 1, rlim_max: 1)
        if setrlimit(core, &one) != 0 {
            var none = rlimit(rlim_cur: 0, rlim_max: 0)
            _ = setrlimit(core, &none)
        }
        signal(SIGPIPE, SIG_IGN)
        // Without it the C library looks for the zone's file at every line of the log.
        setenv("TZ", ":/etc/localtime", 0)
        guard getenv("OMP_WAIT_POLICY") == nil || getenv("SWIFT_BACKTRACE") == nil else { return }
        setenv("OMP_WAIT_POLICY", "passive", 0)
        setenv("SWIFT_BACKTRACE", "enable=no", 0)
        var arguments: [UnsafeMutablePointer<CChar>?] = CommandLine.arguments.map { strdup($0) }
        arguments.append(nil)
        // Where this fails the program goes on as it is, only slower.
        execv("/proc/self/exe", arguments)
        for argument in arguments { free(argument) }
    }
}
