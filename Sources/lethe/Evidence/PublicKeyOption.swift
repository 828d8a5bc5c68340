import Foundation
import LetheCore
import LetheStore

/// The value of `--public-key`.
enum PublicKeyOption {
    /// Keys from a file (the JSON of `GET /v1/signing-keys`, a JSON Web Key or PEM), or from 64 hexadecimal digits.
    /// - Throws: `missing_input` when the file cannot be read, `bad_data` when it holds no key.
    static func read(_ value: String) throws -> [VerificationKey] {
        if FileManager.default.fileExists(atPath: value) {
            return try VerificationKey.read(InputFile.read(value, limit: 1 << 20, named: "public key"))
        }
        guard value.utf8.count == 64 else {
            throw LetheError(.missingInput, "--public-key is neither a file nor 64 hexadecimal digits")
        }
        return try VerificationKey.read(Data(value.lowercased().utf8))
    }
}

/// Whole files that a command reads.
enum InputFile {
    /// The bytes of a file.
    /// - Throws: `missing_input` when it cannot be read, `limit_exceeded` when it is larger than `limit`.
    static func read(_ path: String, limit: Int, named name: String) throws -> Data {
        guard let handle = FileHandle(forReadingAtPath: path), let data = try? handle.read(upToCount: limit + 1) else {
            throw LetheError(.missingInput, "the \(name) file cannot be read")
        }
        guard data.count <= limit else { throw LetheError(.limitExceeded, "the \(name) file is over \(limit) bytes") }
        return data
    }
}
