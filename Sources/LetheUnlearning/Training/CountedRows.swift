import LetheModel
import LetheTensor

/// The rows of a packed batch whose predictions count, one below the other.
///
/// Only they go through the output head, which costs as much as several layers: a question's own tokens have no part in
/// what is asked about its answer.
struct CountedRows {
    /// The next token of each counted row.
    let targets: [Int32]
    /// Where each sequence's rows begin among the counted ones, and where the last one's end.
    private let offsets: [Int]
    /// Where each sequence's counted rows lie in the batch.
    private let places: [Range<Int>]
    private let rowCount: Int

    /// Those of some sequences, in the order of their batch.
    init(_ batch: PackedBatch, _ sequences: [TrainingSequence]) {
        rowCount = batch.rowCount
        places = sequences.enumerated().map { index, sequence in
            let start = batch.rows(index).lowerBound
            return start + sequence.targetRows.lowerBound..<start + sequence.targetRows.upperBound
        }
        offsets = places.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
        targets = sequences.flatMap { sequence in sequence.targetRows.map { sequence.ids[$0 + 1] } }
    }

    /// Sequences.
    var sequenceCount: Int { places.count }

    /// A sequence's rows among the counted ones.
    func rows(_ sequence: Int) -> Range<Int> { offsets[sequence]..<offsets[sequence + 1] }

    /// Those rows of the whole batch's [T, width] that count.
    /// - Throws: `limit_exceeded`.
    func of(_ batch: Matrix) throws -> Matrix {
        let counted = try Matrix(rows: targets.count, columns: batch.columns)
        for (place, offset) in zip(places, offsets) where !place.isEmpty {
            counted.rowRange(offset, place.count).assign(batch.rowRange(place.lowerBound, place.count))
        }
        return counted
    }

    /// The whole batch's [T, width] with the counted rows in their places, and 0 everywhere else.
    /// - Throws: `limit_exceeded`.
    func spread(_ counted: Matrix) throws -> Matrix {
        let batch = try Matrix(zeros: rowCount, columns: counted.columns)
        for (place, offset) in zip(places, offsets) where !place.isEmpty {
            batch.rowRange(place.lowerBound, place.count).assign(counted.rowRange(offset, place.count))
        }
        return batch
    }
}
