import LetheCore

/// A power failure: decides what becomes of each change that was not synced.
struct PowerLoss {
    /// What becomes of a change.
    enum Fate: Equatable {
        case kept, lost
        /// A write of which some sectors reached the disk; another change is kept.
        case torn
    }

    private enum Style {
        /// Nothing reached the disk.
        case none
        /// Everything did, as when only the program dies.
        case all
        /// What was done up to some operation did, as on a file system that keeps everything in order.
        case first(Int)
        /// Anything may have, this share of it whole; the rest is lost or torn.
        case some(Double)
    }

    private let style: Style
    private var generator: SeededGenerator
    private var fates: [Int: Fate] = [:]

    /// A failure after some number of operations.
    init(after operations: Int, generator: inout SeededGenerator) {
        style =
            switch generator.nextInt(below: 8) {
            case 0: .none
            case 1: .all
            case 2: .first(generator.nextInt(below: operations + 1))
            default: .some([0.1, 0.5, 0.9][generator.nextInt(below: 3)])
            }
        self.generator = SeededGenerator(seed: generator.next())
    }

    private init(_ style: Style) {
        self.style = style
        generator = SeededGenerator(seed: 0)
    }

    /// Nothing that was not synced is left.
    static let ofEverything = PowerLoss(.none)

    /// What becomes of the change of an operation, by its number from 1. The same each time.
    mutating func fate(of number: Int) -> Fate {
        if let fate = fates[number] { return fate }
        let fate: Fate =
            switch style {
            case .none: .lost
            case .all: .kept
            case .first(let last): number < last ? .kept : number == last ? .torn : .lost
            case .some(let share):
                generator.nextUniform() < share ? .kept : generator.nextInt(below: 2) == 0 ? .torn : .lost
            }
        fates[number] = fate
        return fate
    }

    /// Whether one sector of a torn write is there.
    mutating func keepsSector() -> Bool { generator.nextInt(below: 2) == 0 }
}
