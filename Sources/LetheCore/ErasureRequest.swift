import Foundation

/// What a caller asks for: items the model has to forget, and how.
///
/// The text in it is personal data. Nothing of it appears in a description, an error or a log; the store keeps it
/// encrypted.
public struct ErasureRequest: Sendable, Equatable, CustomStringConvertible {
    /// Erase or, later, rectify.
    public var kind: RequestKind
    /// The category that the caller put the request in.
    public var category: RequestCategory
    /// The caller's own name for the case; may itself be personal.
    public var reference: String?
    /// What has to be forgotten; never empty.
    public var items: [ForgetItem]
    /// Texts whose behaviour should stay as it is.
    public var keep: [ForgetItem]
    /// How to forget.
    public var options: RequestOptions
    /// Larger is sooner; −100 to 100.
    public var priority: Int
    /// When the request has to be applied.
    public var dueAt: Date?
    /// The name of the model; nil means the daemon's only model.
    public var model: String?

    /// Creates a request.
    public init(
        kind: RequestKind = .erase, category: RequestCategory, reference: String? = nil, items: [ForgetItem],
        keep: [ForgetItem] = [], options: RequestOptions = RequestOptions(), priority: Int = 0, dueAt: Date? = nil,
        model: String? = nil
    ) {
        self.kind = kind
        self.category = category
        self.reference = reference
        self.items = items
        self.keep = keep
        self.options = options
        self.priority = priority
        self.dueAt = dueAt
        self.model = model
    }

    /// A text that is safe to log.
    public var description: String { "ErasureRequest(\(items.count) items, \(keep.count) keep)" }
}
