import Foundation
import LetheCore
import Testing

@Suite struct RequestIDTests {
    @Test func `the fields lie where RFC 9562 puts them`() {
        // The example of RFC 9562, appendix A.6.
        let uuid = UUIDv7(milliseconds: 0x017F_22E2_79B0, counter: 0xCC3, random: 0x18C4_DC0C_0C07_398F)
        #expect(uuid.hexadecimal == "017f22e279b07cc398c4dc0c0c07398f")
        #expect(uuid.milliseconds == 0x017F_22E2_79B0)
        #expect(UUIDv7(hexadecimal: uuid.hexadecimal) == uuid)
    }

    @Test func `small values keep their leading zeros`() {
        #expect(UUIDv7(milliseconds: 1, counter: 0, random: 0).hexadecimal == "00000000000170008000000000000000")
    }

    @Test(arguments: [
        "", "req_", "017f22e279b07cc398c4dc0c0c07398f", "req_017f22e279b07cc398c4dc0c0c07398",
        "req_017f22e279b07cc398c4dc0c0c07398f0", "req_017F22E279B07CC398C4DC0C0C07398F",
        "req_017f22e279b04cc398c4dc0c0c07398f", "req_017f22e279b07cc3c8c4dc0c0c07398f",
        "req_../../../../../../../etc/passwd/", "REQ_017f22e279b07cc398c4dc0c0c07398f",
        "req_017f22e279b07cc398c4dc0c0c07398\u{0}", "req_０17f22e279b07cc398c4dc0c0c0739",
    ])
    func `anything else is not an id`(text: String) {
        #expect(RequestID(rawValue: text) == nil)
    }

    @Test func `an id reads back`() throws {
        let id = RequestID(UUIDv7.Generator().next(at: Date(timeIntervalSince1970: 1_800_000_000)))
        #expect(id.rawValue.utf8.count == 36)
        #expect(RequestID(rawValue: id.rawValue) == id)
        #expect(id.uuid.milliseconds == 1_800_000_000_000)
    }

    @Test func `ids increase also when the clock stands still or goes back`() {
        let generator = UUIDv7.Generator(random: SeededGenerator(seed: 7))
        var last = generator.next(at: Date(timeIntervalSince1970: 1_000_000))
        for step in 0..<20_000 {
            let next = generator.next(at: Date(timeIntervalSince1970: 1_000_000 - Double(step % 3) * 100))
            #expect(last < next)
            #expect(last.hexadecimal < next.hexadecimal)
            last = next
        }
        // 20,000 identifiers overflow the counter a few times and borrow a few milliseconds.
        #expect(last.milliseconds - 1_000_000_000 < 10)
    }

    @Test func `ids made at the same time are all different`() async {
        let generator = UUIDv7.Generator()
        let ids = await withTaskGroup(of: [UUIDv7].self) { group in
            for _ in 0..<8 {
                group.addTask { (0..<1000).map { _ in generator.next(at: Date(timeIntervalSince1970: 5)) } }
            }
            return await group.reduce(into: Set<UUIDv7>()) { $0.formUnion($1) }
        }
        #expect(ids.count == 8000)
    }

    @Test func `times outside the field are clamped`() {
        let generator = UUIDv7.Generator()
        #expect(generator.next(at: Date(timeIntervalSince1970: -5)).milliseconds == 0)
        #expect(generator.next(at: .distantFuture).milliseconds > 0)
        #expect(UUIDv7.Generator().next(at: Date(timeIntervalSince1970: 1e30)).milliseconds == 0xFFFF_FFFF_FFFF)
    }
}
