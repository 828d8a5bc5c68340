import Foundation

/// Shares in the names of variants.
enum Percent {
    /// A share as percent, without needless decimals.
    static func text(_ share: Double) -> String { String(format: "%.4g %%", share * 100) }
}
