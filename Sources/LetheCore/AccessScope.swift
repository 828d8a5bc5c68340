/// What an API key allows. Scopes are independent: none contains another.
public enum AccessScope: String, Sendable, Hashable, CaseIterable {
    /// Submit, cancel and retry requests.
    case requestsWrite = "requests:write"
    /// Read requests, their events and their certificates.
    case requestsRead = "requests:read"
    /// Read models, generations and evaluations.
    case modelsRead = "models:read"
    /// Change what is served: roll a model back.
    case modelsWrite = "models:write"
    /// Start evaluations and attacks.
    case evaluationsWrite = "evaluations:write"
    /// Generate text with the served models.
    case completions
    /// Read metrics and versions.
    case metrics
    /// Manage API keys and webhooks.
    case admin
}

/// A set of scopes that one kind of user needs, for use when a key is made.
public enum AccessRole: String, Sendable, CaseIterable {
    /// Files requests and follows them.
    case submitter
    /// Looks, and changes nothing.
    case viewer
    /// Runs the service day to day.
    case `operator`
    /// Scrapes metrics.
    case monitor
    /// Everything.
    case admin

    /// The scopes of the role.
    public var scopes: Set<AccessScope> {
        switch self {
        case .submitter: [.requestsWrite, .requestsRead]
        case .viewer: [.requestsRead, .modelsRead, .metrics]
        case .operator: Set(AccessScope.allCases).subtracting([.admin])
        case .monitor: [.metrics]
        case .admin: Set(AccessScope.allCases)
        }
    }
}
