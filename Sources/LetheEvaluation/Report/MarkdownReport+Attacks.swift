extension MarkdownReport {
    /// Only the tables of the attacks and of membership inference.
    public static func attackTables(_ result: EvaluationResult) -> String {
        let content = ReportContent(result)
        var parts = content.attackKinds.map { kind in
            "### \(ReportContent.attackHeading(kind))\n\n" + content.attackTable(kind).markdown
        }
        if let table = content.membershipTable { parts.append("### Membership inference\n\n" + table.markdown) }
        return parts.joined(separator: "\n")
    }
}
