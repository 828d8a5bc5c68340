import LetheCore
import LetheModel

/// Which layers a request trains (FIT, targeting).
public enum LayerTargeting {
    /// How layers are ranked.
    public enum Mode: String, Sendable, CaseIterable {
        /// By the change of the loss when the layer is skipped.
        case exact
        /// By the change of the loss when the layer is skipped, relative to that on keep texts: the first and the last
        /// layers change any text's loss, whatever they hold of it.
        case contrast
        /// By the first-order estimate of that change, from the importance pass.
        case gradient
        /// A fixed block of consecutive layers in the middle of the model, from a quarter of its depth on.
        case middle
    }

    /// The `count` layers with the largest change; ties go to the lower layer. Ascending.
    public static func largest(_ changes: [Double], count: Int) -> [Int] {
        changes.indices.sorted { changes[$0] != changes[$1] ? changes[$0] > changes[$1] : $0 < $1 }
            .prefix(max(0, count)).sorted()
    }

    /// The `count` layers up to and with `last`, for a loss that depends on nothing above it.
    public static func ending(at last: Int, count: Int) -> [Int] { Array(max(0, last - max(1, count) + 1)...last) }

    /// ``Mode/gradient``'s estimate of what skipping each layer changes.
    public static func estimatedChanges(_ inspection: GradientInspection) -> [Double] {
        inspection.estimatedMaskedLosses.map { abs($0 - inspection.loss) }
    }

    /// Changes of an item's loss over those of keep texts. A change below a hundredth of a nat counts as that much.
    static func contrast(_ item: [Double], keep: [Double]) -> [Double] { zip(item, keep).map { $0 / max($1, 0.01) } }

    /// ``Mode/middle``'s layers.
    public static func middle(layerCount: Int, count: Int) -> [Int] {
        let size = min(max(count, 1), layerCount)
        let start = min((layerCount + 2) / 4, layerCount - size)
        return Array(start..<start + size)
    }
}
