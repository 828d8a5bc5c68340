import LetheCore

/// Text of all scripts for property tests.
enum RandomText {
    /// Up to `count` scalars: ASCII, any script, marks, symbols, controls.
    static func scalars(_ count: Int, using generator: inout SeededGenerator) -> String {
        var text = ""
        for _ in 0..<generator.nextInt(below: count + 1) {
            let value: UInt32
            switch generator.nextInt(below: 6) {
            case 0: value = UInt32(generator.nextInt(below: 0x80))
            case 1: value = UInt32(generator.nextInt(below: 0x800))
            case 2: value = UInt32(0x300 + generator.nextInt(below: 0x70))
            case 3: value = UInt32(generator.nextInt(below: 0x10000))
            case 4: value = UInt32(generator.nextInt(below: 0x110000))
            default: value = [0x20, 0x0A, 0x27, 0x73, 0x31, 0x3000][generator.nextInt(below: 6)]
            }
            if let scalar = Unicode.Scalar(value) { text.unicodeScalars.append(scalar) }
        }
        return text
    }
}
