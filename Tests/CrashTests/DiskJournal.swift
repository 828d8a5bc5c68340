import Foundation
import LetheCore

/// What was done below a folder, in order, as disk.c wrote it down.
struct DiskJournal {
    /// One change or sync.
    struct Operation {
        enum Kind: Equatable {
            case create(String, mode: UInt32)
            case makeFolder(String, mode: UInt32)
            case write(offset: Int, ArraySlice<UInt8>)
            case resize(Int)
            case setMode(UInt32)
            case sync
            case link(String)
            case remove(String)
            case rename(String, String)
        }

        /// The file or folder that it is about, where no path says so.
        let inode: UInt64
        let kind: Kind
        /// The length of the journal up to it.
        let end: Int
    }

    private(set) var operations: [Operation] = []

    /// Reads a journal. Paths are relative to the folder; its own is empty.
    /// - Throws: `bad_data` when it is not whole, or something was done that disk.c does not follow.
    init(contentsOf file: URL, root: URL) throws {
        let bytes = [UInt8](try Data(contentsOf: file))
        var place = 0
        func number<Value: FixedWidthInteger>(_ offset: Int, _: Value.Type) -> Value {
            (0..<MemoryLayout<Value>.size).reduce(0) { $0 | Value(bytes[place + offset + $1]) << (8 * $1) }
        }
        while place < bytes.count {
            guard bytes.count - place >= 32 else { throw LetheError(.badData, "the journal ends within a record") }
            let letter = bytes[place]
            let mode = number(4, UInt32.self)
            let inode = number(8, UInt64.self)
            let a = Int(number(16, UInt64.self))
            let length = Int(number(24, UInt64.self))
            guard bytes.count - place - 32 >= length else {
                throw LetheError(.badData, "the journal ends within a record")
            }
            let payload = bytes[(place + 32)..<(place + 32 + length)]
            func path(_ bytes: ArraySlice<UInt8>) throws -> String {
                let path = String(decoding: bytes, as: UTF8.self)
                guard path == root.path || path.hasPrefix(root.path + "/") else {
                    throw LetheError(.badData, "the journal has a path outside of the folder")
                }
                return String(path.dropFirst(root.path.utf8.count + 1))
            }
            let kind: Operation.Kind
            switch Character(UnicodeScalar(letter)) {
            case "C": kind = .create(try path(payload), mode: mode)
            case "M": kind = .makeFolder(try path(payload), mode: mode)
            case "W": kind = .write(offset: a, payload)
            case "T": kind = .resize(a)
            case "P": kind = .setMode(mode)
            case "S": kind = .sync
            case "L": kind = .link(try path(payload))
            case "U", "D": kind = .remove(try path(payload))
            case "R": kind = .rename(try path(payload.prefix(a)), try path(payload.dropFirst(a)))
            default:
                throw LetheError(.badData, "disk.c does not follow \(String(decoding: payload, as: UTF8.self))")
            }
            place += 32 + length
            operations.append(Operation(inode: inode, kind: kind, end: place))
        }
    }
}
