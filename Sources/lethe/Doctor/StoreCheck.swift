import Foundation
import LetheCore
import LetheStore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What `lethe doctor` says of the store. The database is opened only while no daemon holds it.
struct StoreCheck {
    let root: URL

    func findings() async -> [DoctorFinding] {
        guard FileManager.default.fileExists(atPath: root.appendingPathComponent("lethe.sqlite").path) else {
            return [DoctorFinding(name: "store", value: "none yet")]
        }
        var findings = files()
        do {
            findings += try await contents()
        } catch let error as LetheError where error.code == .conflict {
            findings.append(
                DoctorFinding(name: "store", value: "held by a running daemon; stop it for a full check"))
        } catch let error as LetheError {
            findings.append(.problem("store", error.message))
        } catch {
            findings.append(.problem("store", "cannot be read"))
        }
        return findings
    }

    // MARK: Files

    /// Who can get at the files; needs no lock.
    private func files() -> [DoctorFinding] {
        var findings = [permissions("data_directory", root.path, "chmod 700 the data directory")]
        let secrets = [("master_key", "master.key"), ("signing_key", "signing.key"), ("database", "lethe.sqlite")]
        for (name, file) in secrets {
            let path = root.appendingPathComponent(file).path
            guard FileManager.default.fileExists(atPath: path) else {
                // The signing key is made by the first start of a version that has it.
                if name != "signing_key" {
                    findings.append(.problem("\(name)_file", "is not there", "restore \(file) from a backup"))
                }
                continue
            }
            findings.append(permissions("\(name)_file", path, "chmod 600 \(file)"))
        }
        findings.append(space())
        return findings
    }

    private func permissions(_ name: String, _ path: String, _ advice: String) -> DoctorFinding {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: path),
            let mode = (attributes[.posixPermissions] as? NSNumber)?.intValue
        else { return .problem(name, "cannot be read") }
        let text = "mode " + String(mode, radix: 8)
        guard attributes[.type] as? FileAttributeType != .typeSymbolicLink else {
            return .problem(name, "is a symbolic link", "put the file itself there")
        }
        guard mode & 0o077 == 0 else {
            return .problem(name, "\(text): others on this machine can get at it", advice)
        }
        if let owner = (attributes[.ownerAccountID] as? NSNumber)?.uint32Value, owner != geteuid() {
            return .warning(name, "\(text), owned by user \(owner)", "the daemon has to run as the owner")
        }
        return DoctorFinding(name: name, value: text)
    }

    /// Below this, submissions are refused.
    private static let leastSpace = 64 << 20

    private func space() -> DoctorFinding {
        var information = statvfs()
        guard statvfs(root.path, &information) == 0 else { return .problem("disk_free_bytes", "cannot be read") }
        let (free, isOver) = UInt64(information.f_bavail).multipliedReportingOverflow(by: UInt64(information.f_frsize))
        let value = isOver ? "\(Int.max)" : "\(free)"
        guard isOver || free >= UInt64(Self.leastSpace) else {
            return .problem("disk_free_bytes", value, "submissions are refused; free some space")
        }
        return DoctorFinding(name: "disk_free_bytes", value: value)
    }

    // MARK: Contents

    private func contents() async throws -> [DoctorFinding] {
        let directory = try DataDirectory(root)
        let database = try LetheDatabase(directory: directory)
        try await database.check(full: true)
        let generations = GenerationStore(directory: directory)
        var findings = [DoctorFinding(name: "store", value: "intact")]
        for entry in try await database.signingKeys() where entry.isCurrent {
            findings.append(DoctorFinding(name: "signing_key", value: entry.key.keyID))
            findings.append(DoctorFinding(name: "signing_public_key", value: entry.key.hexadecimal))
        }
        findings.append(try await clock(database))
        let free = try directory.availableBytes()
        for model in try await database.models() {
            let name = "model \(model.name)"
            do {
                try generations.verify(model.name, model.head, depth: .contents)
                findings.append(DoctorFinding(name: name, value: "head \(model.head.number) intact"))
            } catch let error as LetheError {
                findings.append(.problem(name, error.message, "restore the files of the generation, or roll back"))
            }
            // An update may write every layer anew before an older generation can go.
            if free < 2 * model.head.byteCount {
                findings.append(
                    .warning(
                        "space for \(model.name)", "\(free) bytes for updates of \(model.head.byteCount)",
                        "an update needs up to the model's size, and superseded generations stay for a while"))
            }
        }
        try database.close()
        return findings
    }

    /// Whether time went on since the store was last written.
    private func clock(_ database: LetheDatabase) async throws -> DoctorFinding {
        guard let last = try await database.latestEventTime() else {
            return DoctorFinding(name: "store_clock", value: "nothing happened yet")
        }
        let text = "last entry \(Timestamp.string(last))"
        guard last <= Date().addingTimeInterval(60) else {
            return .problem(
                "store_clock", "\(text), which is in the future",
                "the clock stands before what was written; deadlines and retention would be wrong")
        }
        return DoctorFinding(name: "store_clock", value: text)
    }
}
