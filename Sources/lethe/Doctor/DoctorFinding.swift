/// One thing that `lethe doctor` looked at.
struct DoctorFinding {
    enum Level {
        /// As it should be, or a mere fact.
        case fine
        /// Works, but somebody should know.
        case warning
        /// Broken.
        case problem
    }

    var name: String
    var value: String
    var level = Level.fine
    /// What to do, or what it means.
    var advice: String?

    static func warning(_ name: String, _ value: String, _ advice: String) -> DoctorFinding {
        DoctorFinding(name: name, value: value, level: .warning, advice: advice)
    }

    static func problem(_ name: String, _ value: String, _ advice: String? = nil) -> DoctorFinding {
        DoctorFinding(name: name, value: value, level: .problem, advice: advice)
    }
}
