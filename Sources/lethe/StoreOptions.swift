import ArgumentParser

/// Which store a command works on: a data directory, or the daemon that holds it.
struct StoreOptions: ParsableArguments {
    @Option(help: "The store's folder. Also read from LETHE_DATA_DIR.")
    var dataDir: String?
    @OptionGroup var daemon: DaemonOptions

    /// Opens the store.
    /// - Throws: as ``StoreAccess/open(_:_:)``.
    func open() throws -> StoreAccess { try StoreAccess.open(dataDir, daemon) }
}
