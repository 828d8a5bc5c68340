import GRDB
import LetheCore

/// Which generation of a model was made from which.
struct Lineage {
    /// One generation.
    struct Node {
        var id: Int64
        var number: Int
        var parentID: Int64?
        var state: GenerationRow.State
    }

    /// By number: a parent comes before its children.
    let nodes: [Node]
    private let parents: [Int64: Int64]

    init(_ db: Database, modelID: Int64) throws {
        nodes = try Row.fetchAll(
            db, sql: "SELECT id, number, parent_id, state FROM generations WHERE model_id = ? ORDER BY number",
            arguments: [modelID]
        ).map { row in
            guard let state = GenerationRow.State(rawValue: row["state"]) else {
                throw LetheDatabase.damaged("a state")
            }
            return Node(id: row["id"], number: row["number"], parentID: row["parent_id"], state: state)
        }
        parents = Dictionary(
            uniqueKeysWithValues: nodes.compactMap { node in node.parentID.map { (node.id, $0) } })
    }

    /// A generation and those it was made from.
    func ancestors(of id: Int64) -> Set<Int64> {
        var found: Set<Int64> = []
        var next: Int64? = id
        while let current = next, found.insert(current).inserted { next = parents[current] }
        return found
    }

    /// The generations whose files are not gone and that do not descend from `id`: they hold what was forgotten in
    /// it. All whose files are not gone when `id` is nil.
    func holdersOfContent(before id: Int64?) -> [Int64] {
        nodes.filter { $0.state != .purged }.map(\.id).filter { candidate in
            guard let id else { return true }
            return !ancestors(of: candidate).contains(id)
        }
    }
}
