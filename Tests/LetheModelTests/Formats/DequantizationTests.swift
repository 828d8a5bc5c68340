import LetheModel
import Testing

@Suite struct DequantizationTests {
    @Test(arguments: [
        "F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K",
    ])
    func `blocks decode to the floats of the reference, bit for bit`(_ name: String) throws {
        let file = try GGUFFile(FormatFixtures.url("dequantization.gguf"))
        let reference = try SafetensorsFile(FormatFixtures.url("dequantization.safetensors"))
        let info = try file.requiredInfo(name)
        #expect(info.encoding.name == name)
        #expect(info.shape == reference.info(name)?.shape)
        let values = try file.readFloat32(name)
        let expected = try reference.readFloat32(name)
        try #require(values.count == expected.count)
        #expect(expected.contains { $0 != 0 })
        let differences = zip(values, expected).count { $0.bitPattern != $1.bitPattern }
        #expect(differences == 0, "of \(values.count)")
    }

    @Test func `every encoding that is read is covered by the fixture`() throws {
        let file = try GGUFFile(FormatFixtures.url("dequantization.gguf"))
        let covered = Set(file.tensorNames.compactMap { file.info($0)?.ggmlType })
        #expect(covered == Set(GGMLType.allCases.filter(\.isReadableAsFloat32)))
    }

    @Test func `the bytes of a block fit the number of its elements`() {
        for type in GGMLType.allCases {
            let bits = Double(type.blockByteCount * 8) / Double(type.blockSize)
            #expect(bits >= 1 && bits <= 64, "\(type.name)")
            #expect(256 % type.blockSize == 0, "\(type.name)")
        }
    }
}
