import Hummingbird
import NIOCore

/// What travels with one request through middleware and handlers.
struct APIContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The caller's `X-Request-Id`, or one made here.
    var requestID = ""
    /// Who asks; set before a handler runs.
    var caller = Caller.anybody
    /// What the caller's address is counted under.
    let address: String
    /// Tells when the caller goes.
    let presence: ClientPresence

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        address = AccessGuard.name(of: source.channel.remoteAddress)
        presence = ClientPresence(channel: source.channel)
    }
}
