import LetheCore
import LetheCorpus

/// Which retain texts an operator hands to the methods as keep texts.
///
/// A share of each category, drawn by the stream's seed. The rest is never used in any update, so that Retain Utility
/// can be read on texts that nothing held in place.
enum KeepSample {
    /// Positions in the retain list.
    static func indices(_ retain: [PCHItem], share: Double, seed: UInt64) -> Set<Int> {
        var generator = SeededGenerator(seed: seed ^ 0x6B65_6570)
        var chosen: Set<Int> = []
        for category in RequestCategory.allCases {
            var own = retain.indices.filter { retain[$0].category == category }
            generator.shuffle(&own)
            let count = (min(max(share, 0), 1) * Double(own.count)).rounded(.up)
            chosen.formUnion(own.prefix(Int(count)))
        }
        return chosen
    }
}
