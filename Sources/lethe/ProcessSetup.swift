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
    /// one they wait for. OpenMP reads its policy when it is loaded, so the program starts itself once more with it.
    static func prepare() {
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        _ = setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
        signal(SIGPIPE, SIG_IGN)
        guard getenv("OMP_WAIT_POLICY") == nil else { return }
        setenv("OMP_WAIT_POLICY", "passive", 1)
        var arguments: [UnsafeMutablePointer<CChar>?] = CommandLine.arguments.map { strdup($0) }
        arguments.append(nil)
        // Where this fails the program goes on as it is, only slower.
        execv("/proc/self/exe", arguments)
        for argument in arguments { free(argument) }
    }
}
