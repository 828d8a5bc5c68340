import Foundation
import LetheCore

extension LetheError {
    /// An error for a failed system call, from the current `errno`.
    static func system(_ action: String, file: String, errno code: Int32 = errno) -> LetheError {
        let reason = String(cString: strerror(code))
        let kind: Code =
            switch code {
            case ENOSPC, EDQUOT: .diskFull
            case ENOENT, ENOTDIR: .missingInput
            case EACCES, EPERM: .forbidden
            default: .ioError
            }
        return LetheError(kind, "\(file): cannot \(action): \(reason)")
    }
}
