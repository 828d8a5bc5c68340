import LetheCore
import LetheTensor

/// Keys and values of every layer for the tokens of one sequence so far.
public final class KeyValueCache {
    private var keys: [FloatBuffer]
    private var values: [FloatBuffer]
    private var lengths: [Int]
    private let width: Int
    private let capacity: Int

    /// Room for `capacity` tokens.
    /// - Throws: `limit_exceeded`.
    public init(configuration: DecoderConfiguration, capacity: Int) throws {
        width = configuration.keyValueHeadCount * configuration.headSize
        self.capacity = capacity
        let (count, overflow) = capacity.multipliedReportingOverflow(by: width)
        guard !overflow, capacity > 0, capacity <= configuration.maximumPositions else {
            throw LetheError(
                .limitExceeded, "\(capacity) tokens of context; the model's limit is \(configuration.maximumPositions)")
        }
        keys = try (0..<configuration.layerCount).map { _ in try FloatBuffer(count: count) }
        values = try (0..<configuration.layerCount).map { _ in try FloatBuffer(count: count) }
        lengths = Array(repeating: 0, count: configuration.layerCount)
    }

    /// Tokens that the first layer holds.
    public var length: Int { lengths.first ?? 0 }

    /// Adds rows of keys and values, [n, kvHeads · headSize] each.
    /// - Throws: `limit_exceeded` when there is no room.
    func append(layer: Int, keys newKeys: Matrix, values newValues: Matrix) throws {
        guard lengths[layer] + newKeys.rows <= capacity else {
            throw LetheError(.limitExceeded, "the cache holds \(capacity) tokens")
        }
        for row in 0..<newKeys.rows {
            let place = (lengths[layer] + row) * width
            (keys[layer].pointer + place).update(from: newKeys.pointer + row * newKeys.stride, count: width)
            (values[layer].pointer + place).update(from: newValues.pointer + row * newValues.stride, count: width)
        }
        lengths[layer] += newKeys.rows
    }

    func view(_ layer: Int) -> (keys: UnsafePointer<Float>, values: UnsafePointer<Float>, length: Int) {
        (UnsafePointer(keys[layer].pointer), UnsafePointer(values[layer].pointer), lengths[layer])
    }
}
