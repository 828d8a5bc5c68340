import Foundation
import LetheCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A file of mode 0600 that holds one 32-byte secret: a header that names its kind, and base64.
enum SecretFile {
    /// Reads the secret; makes the file first when `make` is given and it is not there.
    ///
    /// A crash during creation leaves no half-written secret: the file appears under its name whole.
    /// - Parameter made: called once a new file is durable.
    /// - Throws: ``LetheError`` with code `missing_input` when it is not there and not to be made, `forbidden` when
    ///   others may read it, `bad_data` when it is no file of this kind.
    static func load(
        _ url: URL, header: String, kind: String, make: (() -> Data)?, made: () throws -> Void = {}
    ) throws -> Data {
        let path = url.path
        let temporary = "\(path).new"
        if FileSystem.exists(path) {
            // A crash right after the creation may have left both names.
            guard unlink(temporary) == 0 || errno == ENOENT else { throw FileSystem.error("unlink", temporary) }
        } else {
            guard let make else {
                throw LetheError(
                    .missingInput, "\(FileSystem.name(path)) is not there, and the database needs it; restore the file")
            }
            let text = "\(header) \(make().base64EncodedString())\n"
            guard unlink(temporary) == 0 || errno == ENOENT else { throw FileSystem.error("unlink", temporary) }
            try FileSystem.writeNew(temporary, Data(text.utf8), mode: 0o600)
            try FileSystem.renameFile(temporary, toNew: path)
            try FileSystem.syncFolder(FileSystem.parent(path))
            try made()
        }
        let status = try FileSystem.status(path)
        guard status.kind == S_IFREG, status.permissions & 0o077 == 0 else {
            throw LetheError(
                .forbidden, "\(FileSystem.name(path)) has to be a regular file that only its owner can read")
        }
        let text = String(decoding: try FileSystem.contents(path, limit: 1024), as: UTF8.self)
        guard text.hasPrefix("\(header) "), text.hasSuffix("\n"),
            let secret = Data(base64Encoded: String(text.dropFirst(header.count + 1).dropLast())), secret.count == 32
        else {
            throw LetheError(.badData, "\(FileSystem.name(path)) is not a \(kind) file")
        }
        return secret
    }
}
