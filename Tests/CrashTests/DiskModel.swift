import Foundation
import LetheCore

/// A disk under a journal: what it holds for sure, and what may be lost when the power fails.
///
/// Only what was synced is sure. A file's bytes, size and mode are sure once the file is synced; a name - made, moved
/// or removed - once its folder is. Everything since may be lost or kept in any combination, and a write may be torn
/// between sectors. A rename between two folders happens in both or in neither.
struct DiskModel {
    private static let sector = 512

    private enum Change {
        case write(offset: Int, ArraySlice<UInt8>)
        case resize(Int)
        case setMode(UInt32)
        case add(String, Int)
        case remove(String)
        case move(String, to: String, Int)
        case moveOut(String, Int)
        case moveIn(String, Int)
    }

    private struct Node {
        var isFolder: Bool
        var mode: UInt32
        var content: [UInt8] = []
        /// Names that are sure to be there.
        var entries: [String: Int] = [:]
        /// Names as the program sees them.
        var current: [String: Int] = [:]
        var pending: [(index: Int, change: Change)] = []
    }

    private var nodes: [Node] = [Node(isFolder: true, mode: 0o700)]
    private var byInode: [UInt64: Int] = [:]
    private var count = 0

    /// An empty folder.
    init() {}

    /// A folder as it lies on the disk, all of it sure.
    init(folder: URL) throws {
        try scan(folder.path, into: 0)
    }

    private mutating func scan(_ path: String, into parent: Int) throws {
        let root = try FileManager.default.attributesOfItem(atPath: path)
        byInode[Self.inode(root)] = parent
        for name in try FileManager.default.contentsOfDirectory(atPath: path) where !name.hasSuffix("-shm") {
            let child = "\(path)/\(name)"
            let attributes = try FileManager.default.attributesOfItem(atPath: child)
            let mode = UInt32(truncatingIfNeeded: attributes[.posixPermissions] as? Int ?? 0o600)
            let isFolder = attributes[.type] as? FileAttributeType == .typeDirectory
            let known = byInode[Self.inode(attributes)]
            let node = known ?? nodes.count
            if known == nil {
                nodes.append(Node(isFolder: isFolder, mode: mode))
                byInode[Self.inode(attributes)] = node
                if !isFolder { nodes[node].content = [UInt8](try Data(contentsOf: URL(fileURLWithPath: child))) }
            }
            nodes[parent].entries[name] = node
            nodes[parent].current[name] = node
            if isFolder { try scan(child, into: node) }
        }
    }

    private static func inode(_ attributes: [FileAttributeKey: Any]) -> UInt64 {
        (attributes[.systemFileNumber] as? NSNumber)?.uint64Value ?? 0
    }

    // MARK: - What is done to it

    /// Applies one operation of a journal.
    mutating func apply(_ operation: DiskJournal.Operation) throws {
        count += 1
        switch operation.kind {
        case .create(let path, let mode): try add(path, Node(isFolder: false, mode: mode), operation.inode)
        case .makeFolder("", _): byInode[operation.inode] = 0
        case .makeFolder(let path, let mode): try add(path, Node(isFolder: true, mode: mode), operation.inode)
        case .write(let offset, let bytes): try change(operation.inode, .write(offset: offset, bytes))
        case .resize(let size): try change(operation.inode, .resize(size))
        case .setMode(let mode): try change(operation.inode, .setMode(mode))
        case .sync:
            // The folder itself is opened before it is made known by a name.
            guard let node = byInode[operation.inode] else { return }
            sync(node)
        case .link(let path):
            guard let node = byInode[operation.inode] else { throw Self.unknown }
            let (parent, name) = try place(path)
            nodes[parent].current[name] = node
            nodes[parent].pending.append((count, .add(name, node)))
        case .remove(let path):
            let (parent, name) = try place(path)
            nodes[parent].current[name] = nil
            nodes[parent].pending.append((count, .remove(name)))
        case .rename(let old, let new):
            let (source, from) = try place(old)
            let (target, to) = try place(new)
            guard let node = nodes[source].current.removeValue(forKey: from) else { throw Self.unknown }
            nodes[target].current[to] = node
            if source == target {
                nodes[source].pending.append((count, .move(from, to: to, node)))
            } else {
                nodes[source].pending.append((count, .moveOut(from, node)))
                nodes[target].pending.append((count, .moveIn(to, node)))
            }
        }
    }

    private static let unknown = LetheError(.badData, "the journal is about a file that it does not know")

    private mutating func add(_ path: String, _ node: Node, _ inode: UInt64) throws {
        let (parent, name) = try place(path)
        nodes.append(node)
        byInode[inode] = nodes.count - 1
        nodes[parent].current[name] = nodes.count - 1
        nodes[parent].pending.append((count, .add(name, nodes.count - 1)))
    }

    private mutating func change(_ inode: UInt64, _ change: Change) throws {
        guard let node = byInode[inode] else { throw Self.unknown }
        nodes[node].pending.append((count, change))
    }

    /// The folder and the last name of a path, as the program sees them.
    private func place(_ path: String) throws -> (parent: Int, name: String) {
        var names = path.split(separator: "/").map(String.init)
        guard let name = names.popLast() else { throw Self.unknown }
        var node = 0
        for name in names {
            guard let next = nodes[node].current[name] else { throw Self.unknown }
            node = next
        }
        return (node, name)
    }

    private mutating func sync(_ node: Int) {
        let pending = nodes[node].pending
        nodes[node].pending = []
        for (index, change) in pending {
            Self.apply(change, to: &nodes[node])
            switch change {
            case .moveOut, .moveIn: settleOtherHalf(of: index)
            default: break
            }
        }
    }

    /// A rename between two folders is sure in both as soon as it is in one.
    private mutating func settleOtherHalf(of index: Int) {
        for other in nodes.indices {
            guard let half = nodes[other].pending.firstIndex(where: { $0.index == index }) else { continue }
            let change = nodes[other].pending.remove(at: half).change
            if case .moveOut(_, let node) = change {
                nodes[other].pending.removeAll { if case .add(_, node) = $0.change { true } else { false } }
            }
            Self.apply(change, to: &nodes[other])
        }
    }

    private static func apply(_ change: Change, to node: inout Node, keeping: (Int) -> Bool = { _ in true }) {
        switch change {
        case .write(let offset, let bytes):
            var place = offset
            while place < offset + bytes.count {
                let end = min(offset + bytes.count, (place / sector + 1) * sector)
                if keeping(place / sector) {
                    if node.content.count < end {
                        node.content += [UInt8](repeating: 0, count: end - node.content.count)
                    }
                    let start = bytes.startIndex + place - offset
                    node.content.replaceSubrange(place..<end, with: bytes[start..<(start + end - place)])
                }
                place = end
            }
        case .resize(let size):
            if size < node.content.count {
                node.content.removeLast(node.content.count - size)
            } else {
                node.content += [UInt8](repeating: 0, count: size - node.content.count)
            }
        case .setMode(let mode): node.mode = mode
        case .add(let name, let child), .moveIn(let name, let child): node.entries[name] = child
        case .remove(let name), .moveOut(let name, _): node.entries[name] = nil
        case .move(let old, let new, let child):
            node.entries[old] = nil
            node.entries[new] = child
        }
    }

    // MARK: - The power fails

    /// How many changes are not sure.
    var pendingCount: Int { nodes.reduce(0) { $0 + $1.pending.count } }

    /// The operation that was applied last, counted from 1.
    var operationCount: Int { count }

    /// Writes what is on the disk after the power has failed into a new folder.
    func writeImage(to folder: URL, after loss: inout PowerLoss) throws {
        var result = nodes
        for index in result.indices {
            for (number, change) in nodes[index].pending {
                switch (loss.fate(of: number), change) {
                case (.lost, _): continue
                case (.torn, .write): Self.apply(change, to: &result[index]) { _ in loss.keepsSector() }
                default: Self.apply(change, to: &result[index])
                }
            }
        }
        var written: [Int: String] = [:]
        try Self.write(0, of: result, to: folder.path, &written)
    }

    private static func write(_ index: Int, of nodes: [Node], to path: String, _ written: inout [Int: String]) throws {
        let node = nodes[index]
        if let original = written[index] {
            guard !node.isFolder else { throw LetheError(.badData, "a folder has two names") }
            return try FileManager.default.linkItem(atPath: original, toPath: path)
        }
        written[index] = path
        if node.isFolder {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            for (name, child) in node.entries { try write(child, of: nodes, to: "\(path)/\(name)", &written) }
        } else {
            try Data(node.content).write(to: URL(fileURLWithPath: path))
        }
        try FileManager.default.setAttributes([.posixPermissions: Int(node.mode)], ofItemAtPath: path)
    }
}
