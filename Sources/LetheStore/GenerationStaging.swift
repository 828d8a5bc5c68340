import Foundation
import LetheCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A generation in the making: a folder under `tmp/` that its maker fills with plain files.
///
/// A crash leaves the folder; the next start deletes it.
public struct GenerationStaging: Sendable {
    /// The model it is for.
    public let model: String
    /// Where its files go.
    public let url: URL
    /// The generation it is made from; nil for an import.
    public let parent: GenerationRow?
    /// What that generation consists of.
    public let parentManifest: GenerationManifest?
    let parentPath: String?

    /// Takes a file over from the parent unchanged, as a hard link: no bytes are written, and its digest is the one
    /// that the parent's manifest gives.
    /// - Throws: ``LetheError`` with code `usage` when there is no parent, `not_found` when the parent's manifest does
    ///   not list the file, `conflict` when the staging has it already.
    public func takeFromParent(_ name: String) throws {
        guard let parentPath, let parentManifest else {
            throw LetheError(.usage, "an imported generation has no parent")
        }
        guard parentManifest.files.contains(where: { $0.name.utf8.elementsEqual(name.utf8) }) else {
            throw LetheError(.notFound, "the parent generation has no file of this name")
        }
        let source = "\(parentPath)/\(name)"
        let target = "\(url.path)/\(name)"
        guard link(source, target) == 0 else {
            switch errno {
            case EEXIST: throw LetheError(.conflict, "\(FileSystem.name(target)) is already staged")
            // The file system has no links, or not so many: copy, and let the copy be hashed like any new file.
            case EMLINK, EPERM, EOPNOTSUPP: return try FileSystem.copy(source, toNew: target)
            default: throw FileSystem.error("link", target)
            }
        }
    }
}
