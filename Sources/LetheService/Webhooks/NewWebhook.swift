import LetheCore

/// What whoever registers a webhook chooses.
public struct NewWebhook: Sendable, Equatable {
    /// Where events are sent, in canonical form.
    public let url: String
    /// The states whose events are sent.
    public let states: Set<RequestState>

    /// Checks an address and the states; without states, all events are sent.
    /// - Throws: `bad_data`, beginning with the pointer to the field; never quotes the address.
    public init(url: String, states: [String]? = nil, policy: WebhookPolicy) throws {
        self.url = try WebhookURL(url, policy: policy).text
        guard let states else {
            self.states = Set(RequestState.allCases)
            return
        }
        var found: Set<RequestState> = []
        for (index, word) in states.enumerated() {
            guard let state = RequestState(rawValue: word) else {
                throw LetheError(
                    .badData,
                    "/states/\(index): must be one of \(RequestState.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            guard found.insert(state).inserted else {
                throw LetheError(.badData, "/states/\(index): is given twice")
            }
        }
        guard !found.isEmpty else { throw LetheError(.badData, "/states: needs at least one state") }
        self.states = found
    }

    /// Reads the body of `POST /v1/webhooks`.
    /// - Throws: `bad_data` or `limit_exceeded`, beginning with the pointer to the field.
    public init(json: JSONValue, policy: WebhookPolicy) throws {
        let body = try FieldReader(json, pointer: "")
        try body.allowOnly(["url", "states"])
        let url = try body.required(body.string("url", maximumCharacters: 2048), "url")
        let words = try body.array("states")?.enumerated().map { index, word in
            guard let text = word.stringValue else { throw body.error("states/\(index)", "must be a string") }
            return text
        }
        try self.init(url: url, states: words, policy: policy)
    }
}
