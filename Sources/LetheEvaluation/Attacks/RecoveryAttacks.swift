import LetheCore

/// The attacks by name.
public enum RecoveryAttacks {
    /// All names, in the order of a report.
    public static let names = ["relearn", "quantize", "prompt", "probe"]

    /// An attack.
    /// - Throws: `unsupported` for an unknown name, `usage` for settings out of range.
    public static func named(_ name: String, settings: AttackSettings = AttackSettings()) throws -> any RecoveryAttack {
        try settings.validate()
        return switch name {
        case "relearn": RelearnAttack(settings: settings)
        case "quantize": QuantizeAttack(settings: settings)
        case "prompt": PromptAttack(settings: settings)
        case "probe": ProbeAttack(settings: settings)
        default: throw LetheError(.unsupported, "unknown attack; known are \(names.joined(separator: ", "))")
        }
    }
}
