/// The short form of a result, for a terminal.
public enum TextReport {
    /// The last checkpoint of each method, what the requests took, and the notes.
    public static func text(_ result: EvaluationResult) -> String {
        let content = ReportContent(result)
        var parts = [content.title + "\n", content.finalTable.text]
        for kind in content.attackKinds {
            parts.append(ReportContent.attackHeading(kind) + "\n" + content.attackTable(kind).text)
        }
        if let table = content.utilityTable { parts.append(table.text) }
        if let table = content.requestTable { parts.append(table.text) }
        if !content.notes.isEmpty { parts.append(content.notes.map { "- \($0)\n" }.joined()) }
        return parts.joined(separator: "\n")
    }
}
