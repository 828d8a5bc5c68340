import LetheCore
import Testing

@Suite struct FailPointsTests {
    @Test func `an empty list never acts`() throws {
        let points = FailPoints()
        for point in FailPoint.all { try points.reach(point) }
    }

    @Test func `an armed point throws and the others do not`() throws {
        let points = FailPoints("publish.after_rename:error,submit.before_commit:full,claim.after_commit:sync")
        #expect(throws: LetheError(.ioError, "fail point publish.after_rename")) {
            try points.reach("publish.after_rename")
        }
        #expect(throws: LetheError(.diskFull, "fail point submit.before_commit")) {
            try points.reach("submit.before_commit")
        }
        #expect(throws: LetheError(.syncFailed, "fail point claim.after_commit")) {
            try points.reach("claim.after_commit")
        }
        try points.reach("publish.after_stage")
    }

    @Test func `a point acts from its arrival on`() throws {
        let points = FailPoints("update.after_step:error:3")
        try points.reach("update.after_step")
        try points.reach("update.after_step")
        for _ in 0..<2 { #expect(throws: LetheError.self) { try points.reach("update.after_step") } }
    }

    @Test(arguments: [
        "publish.after_rename", "a:explode", ":kill", "a:error:0", "a:error:x", "a:error:1:2", "a:error,b",
    ])
    func `a malformed list makes every point throw`(list: String) {
        let points = FailPoints(list)
        #expect(throws: LetheError.self) { try points.reach("some.other_point") }
    }

    @Test func `names are listed once`() {
        #expect(Set(FailPoint.all).count == FailPoint.all.count)
    }
}
