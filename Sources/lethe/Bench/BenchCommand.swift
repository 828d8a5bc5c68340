import ArgumentParser

/// `lethe bench`: measures how well models forget.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure how well methods forget, and what they cost.",
        subcommands: [BenchPCHCommand.self, BenchCompareCommand.self, BenchReportCommand.self])
}

/// `lethe bench pch`: the PCH benchmark.
struct BenchPCHCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pch", abstract: "Run the PCH benchmark, or write its data.",
        subcommands: [BenchRunCommand.self, BenchGenerateCommand.self], defaultSubcommand: BenchRunCommand.self)
}
