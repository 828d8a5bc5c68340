/// How one series looks: its colour, its marker and its dash, so that no two are told apart by colour alone.
///
/// Colours are CSS classes (`c0` to `c6`; `c6` is the grey of controls); the page defines them for light and dark.
struct ChartStyle: Sendable, Equatable {
    /// The number of colours that methods take turns with.
    static let colors = 6
    /// The number of marker shapes.
    static let markers = 6

    let color: Int
    let marker: Int
    let isControl: Bool

    /// The style of the n-th method, or of the n-th control.
    init(index: Int, isControl: Bool) {
        color = isControl ? Self.colors : index % Self.colors
        marker = index % Self.markers
        self.isControl = isControl
        dash = isControl ? 2 + index % 3 : index / Self.colors % 2
    }

    /// 0 is a solid line; the page defines the others.
    let dash: Int

    /// The classes of a line.
    var lineClass: String { "series c\(color) d\(dash)" }

    /// The styles of the methods of a result, in its order.
    static func styles(_ methods: [MethodResult]) -> [ChartStyle] {
        var counts = [false: 0, true: 0]
        return methods.map { method in
            let isControl = method.role == .control
            defer { counts[isControl, default: 0] += 1 }
            return ChartStyle(index: counts[isControl, default: 0], isControl: isControl)
        }
    }

    /// The marker as SVG. Controls have open markers.
    func mark(x: Double, y: Double, size: Double = 4) -> String {
        let name = "mark c\(color)\(isControl ? " open" : "")"
        let n = SVGBuilder.number
        func path(_ points: [(Double, Double)]) -> String {
            let coordinates = points.map { "\(n(x + $0.0 * size)),\(n(y + $0.1 * size))" }.joined(separator: " ")
            return "<polygon class=\"\(name)\" points=\"\(coordinates)\"/>"
        }
        switch marker {
        case 0: return "<circle class=\"\(name)\" cx=\"\(n(x))\" cy=\"\(n(y))\" r=\"\(n(size))\"/>"
        case 1: return path([(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)])
        case 2: return path([(0, -1.2), (1.1, 0.8), (-1.1, 0.8)])
        case 3: return path([(0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)])
        case 4: return path([(0, 1.2), (1.1, -0.8), (-1.1, -0.8)])
        default:
            let (a, b) = (0.4, 1.2)
            return path([
                (-a, -b), (a, -b), (a, -a), (b, -a), (b, a), (a, a), (a, b), (-a, b), (-a, a), (-b, a), (-b, -a),
                (-a, -a),
            ])
        }
    }

    /// A small drawing of line and marker, for tables and legends.
    var swatch: String {
        """
        <svg class="swatch" viewBox="0 0 28 12" aria-hidden="true">\
        <line class="\(lineClass)" x1="0" y1="6" x2="28" y2="6"/>\(mark(x: 14, y: 6))</svg>
        """
    }
}
