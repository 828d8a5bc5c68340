/// The database schema as a list of forward-only steps, one file in Schema/ each, embedded in the binary.
public enum Migrations {
    /// One step of the schema.
    public struct Step: Sendable {
        /// The schema version after the step: 1 for the first.
        public let version: Int
        /// The file's name without its extension.
        public let name: String
        /// The statements, to be run in one transaction.
        public let sql: String
    }

    /// Every step in order; the version of a step is its place in the list.
    ///
    /// The generated constants lose the first character of a file's name, which has to be a digit.
    public static let steps: [Step] = [
        (name: "0001_initial", bytes: PackageResources._001_initial_sql),
        (name: "0002_evidence", bytes: PackageResources._002_evidence_sql),
        (name: "0003_access", bytes: PackageResources._003_access_sql),
        (name: "0004_evaluations", bytes: PackageResources._004_evaluations_sql),
    ].enumerated().map { index, file in
        Step(version: index + 1, name: file.name, sql: String(decoding: file.bytes, as: UTF8.self))
    }
}
