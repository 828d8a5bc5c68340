import Foundation

/// Writes report.md.
public enum MarkdownReport {
    /// The report of a result; the same bytes for the same result.
    public static func text(_ result: EvaluationResult) -> String {
        let content = ReportContent(result)
        var text = "# \(content.title)\n"
        func section(_ heading: String, _ parts: String...) {
            text += "\n## \(heading)\n\n" + parts.joined(separator: "\n")
        }
        if result.methods.contains(where: { !$0.summary.isEmpty }) {
            section("After the last request", ReportContent.scoreExplanation + "\n", content.finalTable.markdown)
            section("Forget Degree over the stream", content.streamTable(\.forgetDegree).markdown)
            section("Retain Utility over the stream", content.streamTable(\.retainUtility).markdown)
            if let table = content.categoryTable { section("By category", table.markdown) }
            if let table = content.retainGroupTable {
                section("Kept texts, given and unseen", ReportContent.retainGroupExplanation + "\n", table.markdown)
            }
            section(
                "Against the published reference", ReportContent.interpolatedCaution + "\n", "Forget Degree\n",
                content.streamTable(\.forgetDegreeInterpolated).markdown, "Retain Utility\n",
                content.streamTable(\.retainUtilityInterpolated).markdown)
        }
        if !content.metricsTable.rows.isEmpty { section("All metrics", content.metricsTable.markdown) }
        if let table = content.membershipTable {
            section("Membership inference", ReportContent.membershipExplanation + "\n", table.markdown)
        }
        if !result.attacks.isEmpty {
            section("Recovery attacks", ReportContent.attackExplanation + "\n")
            for kind in content.attackKinds {
                text += "\n### \(ReportContent.attackHeading(kind))\n\n" + content.attackTable(kind).markdown
            }
        }
        if let table = content.utilityTable { section("Utility beyond the benchmark", table.markdown) }
        if let table = content.requestTable { section("Time and memory of a request", table.markdown) }
        if let table = content.phaseTable { section("Where the time goes", table.markdown) }
        if !result.methods.isEmpty { section("Methods", content.methodTable.markdown) }
        section("Setup", content.setupTable.markdown)
        if !content.notes.isEmpty { section("Notes", content.notes.map { "- \($0)\n" }.joined()) }
        return text
    }
}
