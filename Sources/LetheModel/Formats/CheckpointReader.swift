import LetheCore

/// A file, or several, with named tensors.
///
/// Everything the file says about its tensors is checked when the reader is made: reading a listed tensor cannot run
/// out of the file. Readers are safe to use from several threads.
public protocol CheckpointReader: AnyObject, Sendable {
    /// The names, in the order of the data.
    var tensorNames: [String] { get }

    /// What is known about a tensor, or nil when there is none of this name.
    func info(_ name: String) -> TensorInfo?

    /// Calls a closure with the tensor's bytes as stored. They are valid during the call only and may be unaligned.
    ///
    /// - Throws: ``LetheError`` with `notFound` when there is no such tensor, and what the closure throws.
    func withRawBytes<Result>(_ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result

    /// The tensor's bytes as stored, perhaps unaligned, and what keeps them mapped; nil where there is no such tensor
    /// or the reader does not lend its memory.
    func mappedBytes(_ name: String) -> (bytes: UnsafeRawBufferPointer, owner: AnyObject)?
}

extension CheckpointReader {
    /// Nothing is lent.
    public func mappedBytes(_ name: String) -> (bytes: UnsafeRawBufferPointer, owner: AnyObject)? { nil }
}

extension CheckpointReader {
    /// What is known about a tensor that has to be there.
    ///
    /// - Throws: ``LetheError`` with `notFound`.
    public func requiredInfo(_ name: String) throws -> TensorInfo {
        guard let info = info(name) else { throw LetheError(.notFound, "the checkpoint has no tensor \(name)") }
        return info
    }

    /// Decodes a tensor into memory, row-major.
    ///
    /// - Parameters:
    ///   - name: The tensor.
    ///   - target: Room for exactly the tensor's elements.
    /// - Throws: ``LetheError``: `notFound`, `unsupported` when the encoding has no conversion to floats, `usage` when
    ///   the target has another size.
    public func readFloat32(_ name: String, into target: UnsafeMutableBufferPointer<Float>) throws {
        let info = try requiredInfo(name)
        guard info.encoding.isReadableAsFloat32 else {
            throw LetheError(.unsupported, "tensor \(name): \(info.encoding.name) cannot be read as 32-bit floats")
        }
        guard target.count == info.elementCount else {
            throw LetheError(.usage, "tensor \(name): room for \(target.count) of \(info.elementCount) elements")
        }
        try withRawBytes(name) { info.decode($0, into: target) }
    }

    /// Decodes a tensor into an array, row-major.
    ///
    /// - Throws: As ``readFloat32(_:into:)``.
    public func readFloat32(_ name: String) throws -> [Float] {
        let info = try requiredInfo(name)
        guard info.encoding.isReadableAsFloat32 else {
            throw LetheError(.unsupported, "tensor \(name): \(info.encoding.name) cannot be read as 32-bit floats")
        }
        return try [Float](unsafeUninitializedCapacity: info.elementCount) { buffer, count in
            try readFloat32(name, into: UnsafeMutableBufferPointer(rebasing: buffer[..<info.elementCount]))
            count = info.elementCount
        }
    }

    /// The position of a tensor's first element that is infinite or not a number, or nil when all are finite.
    ///
    /// - Throws: As ``readFloat32(_:)``.
    public func firstNonFiniteElement(of name: String) throws -> Int? {
        try readFloat32(name).firstIndex { !$0.isFinite }
    }
}
