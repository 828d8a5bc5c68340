import LetheCore
import LetheCorpus
import LetheModel

/// One model measured on every text of a dataset; what a set of them scores follows.
struct Measurement: Codable, Equatable {
    /// In the order of the dataset.
    var forget: [ItemMetrics]
    var retain: [ItemMetrics]

    /// Measures a model.
    /// - Parameter order: the order in which forget texts go through the model; the result does not depend on it but
    ///   for rounding.
    init(
        _ model: LanguageModel, _ data: PCHDataset, order: [Int]? = nil, evaluator: SetEvaluator,
        progress: (Double) throws -> Void
    ) throws {
        let order = order ?? Array(data.forget.indices)
        let share = Double(order.count) / Double(order.count + data.retain.count)
        let measured = try evaluator.evaluate(model, order.map { data.forget[$0] }) { try progress(share * $0) }
        var forget = measured.items.map(ItemMetrics.init)
        for (place, index) in order.enumerated() { forget[index] = ItemMetrics(measured.items[place]) }
        self.forget = forget
        retain = try evaluator.evaluate(model, data.retain) { try progress(share + (1 - share) * $0) }
            .items.map(ItemMetrics.init)
    }

    /// Metrics of some forget texts; nil for none.
    func forget(_ indices: some Sequence<Int>) -> SetMetrics? { SetMetrics(indices.map { forget[$0] }, side: .forget) }

    /// Metrics of some retain texts; nil for none.
    func retain(_ indices: some Sequence<Int>) -> SetMetrics? { SetMetrics(indices.map { retain[$0] }, side: .retain) }
}

/// The measured models that checkpoints are compared with.
struct References {
    let data: PCHDataset
    let original: Measurement
    let retain: Measurement

    /// A checkpoint of a stream.
    /// - Parameters:
    ///   - kept: retain texts that the method was given; nil where it was given none.
    ///   - retrained: the model retrained without exactly the deleted texts, where there is one.
    func checkpoint(
        _ stream: PCHStream, deleted count: Int, measured: Measurement, kept: Set<Int>?, retrained: Measurement?
    ) throws -> CheckpointResult {
        let deleted = stream.deleted(after: count)
        let everything = data.retain.indices
        func pair(_ measurement: Measurement) -> SidePair {
            SidePair(
                forget: measurement.forget(deleted)?.aggregate ?? 0,
                retain: measurement.retain(everything)?.aggregate ?? 0)
        }
        guard let forget = measured.forget(deleted), let retain = measured.retain(everything) else {
            throw LetheError(.internalError, "a checkpoint without texts")
        }
        func interpolated(_ side: (Measurement) -> SetMetrics?) -> Double {
            DegreeScore.interpolatedReference(
                original: side(original)?.aggregate ?? 0, retain: side(self.retain)?.aggregate ?? 0,
                share: Double(count) / Double(stream.order.count))
        }
        let references = ReferenceValues(
            exact: pair(self.retain),
            interpolated: SidePair(
                forget: interpolated { $0.forget(data.forget.indices) },
                retain: interpolated { $0.retain(everything) }),
            retrained: retrained.map(pair))
        return CheckpointResult(
            deleted: count, total: stream.order.count, forget: forget, retain: retain,
            remaining: measured.forget(stream.remaining(after: count)), reference: references,
            categories: categories(deleted, measured), retainGroups: groups(kept, measured))
    }

    private func categories(_ deleted: ArraySlice<Int>, _ measured: Measurement) -> [CategoryResult] {
        RequestCategory.allCases.compactMap { category in
            let forget = deleted.filter { data.forget[$0].category == category }
            let retain = data.retain.indices.filter { data.retain[$0].category == category }
            guard !forget.isEmpty || !retain.isEmpty else { return nil }
            return CategoryResult(
                category: category.rawValue, forget: measured.forget(forget), retain: measured.retain(retain),
                reference: SidePair(
                    forget: self.retain.forget(forget)?.aggregate ?? 0,
                    retain: self.retain.retain(retain)?.aggregate ?? 0))
        }
    }

    private func groups(_ kept: Set<Int>?, _ measured: Measurement) -> [RetainGroup]? {
        guard let kept else { return nil }
        let sets = [
            ("given", data.retain.indices.filter(kept.contains)),
            ("unseen", data.retain.indices.filter { !kept.contains($0) }),
        ]
        return sets.compactMap { name, indices in
            measured.retain(indices).map {
                RetainGroup(group: name, retain: $0, reference: retain.retain(indices)?.aggregate ?? 0)
            }
        }
    }
}
