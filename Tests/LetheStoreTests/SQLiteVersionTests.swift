import LetheStore
import Testing

@Suite struct SQLiteVersionTests {
    @Test(arguments: [
        ("3.6.23", false), ("3.7.0", true), ("3.40.1", true), ("3.44.5", true), ("3.44.6", false), ("3.45.0", true),
        ("3.50.6", true), ("3.50.7", false), ("3.51.2", true), ("3.51.3", false), ("3.53.0", false), ("4.0.0", false),
    ])
    func `the WAL-reset bug is in the versions that have it`(_ text: String, _ hasBug: Bool) throws {
        #expect(try #require(SQLiteVersion(text)).hasLogResetBug == hasBug)
    }

    @Test(arguments: ["", "3", "3.40", "3.40.1.2", "3.x.1", "3.-1.0", "unknown"])
    func `what is no version is none`(_ text: String) {
        #expect(SQLiteVersion(text) == nil)
    }

    @Test func `the library in use has a version`() {
        #expect(SQLiteVersion(LetheDatabase.sqliteVersion) != nil)
    }
}
