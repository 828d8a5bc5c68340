import LetheCore

/// How one tensor of a checkpoint fits into the model's parameters; the same slots read and write a checkpoint.
public struct TensorSlot: Sendable {
    /// Which rows of the parameter the tensor's rows are.
    public enum Rows: Sendable, Equatable {
        /// Consecutive rows from this one on.
        case from(Int)
        /// Row i of the tensor is row table[i] of the parameter.
        case table([Int])
    }

    /// The tensor's key in the checkpoint.
    public let name: String
    /// Its shape there.
    public let shape: [Int]
    /// The parameter that it is, or is part of.
    public let place: ParameterPlace
    /// Where the tensor's rows belong.
    public let rows: Rows
    /// Whether the checkpoint has inputs as rows and outputs as columns.
    public let isTransposed: Bool

    /// Creates a slot.
    public init(
        _ name: String, _ shape: [Int], _ place: ParameterPlace, rows: Rows = .from(0), isTransposed: Bool = false
    ) {
        self.name = name
        self.shape = shape
        self.place = place
        self.rows = rows
        self.isTransposed = isTransposed
    }

    /// The same slot under another key.
    public func renamed(_ name: String) -> TensorSlot {
        TensorSlot(name, shape, place, rows: rows, isTransposed: isTransposed)
    }

    /// Elements of the tensor.
    public var count: Int { shape.reduce(1, *) }

    /// Reads the tensor from a checkpoint into the parameter.
    /// - Throws: `bad_data` naming the tensor when its shape differs, and what the reader throws.
    func load(from reader: any CheckpointReader, into view: ParameterView) throws {
        guard let info = reader.info(name) else { throw LetheError(.badData, "tensor \(name) is missing") }
        guard info.shape == shape else {
            throw LetheError(.badData, "tensor \(name) has shape \(info.shape); the configuration asks for \(shape)")
        }
        if case .from(let first) = rows, !isTransposed {
            try reader.readFloat32(
                name, into: UnsafeMutableBufferPointer(start: view.pointer + first * view.columns, count: count))
            return
        }
        let values = try reader.readFloat32(name)
        values.withUnsafeBufferPointer { source in
            forEachRow(view) { row, target in
                if isTransposed {
                    let outputs = shape[1]
                    for column in 0..<view.columns { target[column] = source[column * outputs + row] }
                } else {
                    for column in 0..<view.columns { target[column] = source[row * view.columns + column] }
                }
            }
        }
    }

    /// The tensor's values, taken back out of the parameter.
    func values(of view: ParameterView) -> [Float] {
        [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            forEachRow(view) { row, source in
                if isTransposed {
                    let outputs = shape[1]
                    for column in 0..<view.columns { buffer[column * outputs + row] = source[column] }
                } else {
                    for column in 0..<view.columns { buffer[row * view.columns + column] = source[column] }
                }
            }
            initialized = count
        }
    }

    private func forEachRow(_ view: ParameterView, _ body: (Int, UnsafeMutablePointer<Float>) -> Void) {
        let rowCount = isTransposed ? shape[1] : shape[0]
        for row in 0..<rowCount {
            switch rows {
            case .from(let first): body(row, view.pointer + (first + row) * view.columns)
            case .table(let table): body(row, view.pointer + table[row] * view.columns)
            }
        }
    }
}
