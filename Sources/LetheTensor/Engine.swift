import COneDNN

/// What the machine's engine is, and how many threads it uses.
public enum Engine {
    /// Threads of matrix products and parallel loops started by the calling thread; at least 1. Results may differ in
    /// their last bits between thread counts, so it is recorded with each result.
    public static var threadCount: Int {
        get { Int(lethe_thread_count()) }
        set { lethe_set_thread_count(Int32(clamping: newValue)) }
    }

    /// Whether bfloat16 products run in hardware here.
    public static var hasBFloat16: Bool { lethe_has_bf16() != 0 }

    /// oneDNN's word for the instruction set in use.
    public static var instructionSet: String { String(cString: lethe_isa_name()) }

    /// oneDNN's version.
    public static var libraryVersion: String {
        var major: Int32 = 0
        var minor: Int32 = 0
        var patch: Int32 = 0
        lethe_onednn_version(&major, &minor, &patch)
        return "\(major).\(minor).\(patch)"
    }
}
