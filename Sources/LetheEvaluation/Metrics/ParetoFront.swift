/// The points that no other point reaches or exceeds in both directions.
public enum ParetoFront {
    /// Finds the front where more is better on both axes.
    /// - Parameter points: the points; those with a value that is not a number are left out.
    /// - Returns: their positions in the list, by rising x; of equal points the first.
    public static func indices(of points: [(x: Double, y: Double)]) -> [Int] {
        let order = points.indices.filter { !points[$0].x.isNaN && !points[$0].y.isNaN }.sorted {
            (points[$0].x, points[$0].y, -$0) > (points[$1].x, points[$1].y, -$1)
        }
        var front: [Int] = []
        for index in order where front.last.map({ points[index].y > points[$0].y }) ?? true { front.append(index) }
        return front.reversed()
    }
}
