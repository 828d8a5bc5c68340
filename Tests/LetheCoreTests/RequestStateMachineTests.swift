import LetheCore
import Testing

@Suite struct RequestStateMachineTests {
    /// The whole table by hand: one column for each event, `-` where it is not allowed.
    static let table: [(state: RequestState, next: [RequestEvent: RequestState])] = [
        (.queued, [.claim: .running, .cancel: .cancelled]),
        (
            .running,
            [
                .beginVerification: .verifying, .alreadyForgotten: .applied, .fail: .failed, .deferRetry: .retryable,
                .cancel: .cancelled, .release: .queued, .rescue: .queued,
            ]
        ),
        (
            .verifying,
            [
                .strengthen: .running, .publish: .applied, .fail: .failed, .deferRetry: .retryable,
                .cancel: .cancelled, .release: .queued, .rescue: .queued,
            ]
        ),
        (.applied, [.rollBack: .failed, .purge: .purged]),
        (.purged, [:]),
        (.cancelled, [:]),
        (.failed, [.retry: .queued]),
        (.retryable, [.requeue: .queued, .retry: .queued, .cancel: .cancelled]),
    ]

    @Test func `every pair of state and event goes where the table says`() {
        #expect(Self.table.map(\.state) == RequestState.allCases)
        for (state, next) in Self.table {
            for event in RequestEvent.allCases {
                #expect(RequestStateMachine.next(state, on: event) == next[event], "\(state) on \(event)")
            }
        }
    }

    @Test func `the list of transitions is the table`() {
        let listed = Dictionary(grouping: RequestStateMachine.transitions, by: \.source)
        for (state, next) in Self.table {
            let transitions = listed[state] ?? []
            #expect(transitions.count == next.count)
            #expect(transitions.allSatisfy { next[$0.event] == $0.target })
        }
    }

    @Test func `every state can be reached and every event is used`() {
        var reached: Set<RequestState> = [RequestStateMachine.initial]
        while true {
            let further = RequestStateMachine.transitions.filter { reached.contains($0.source) }.map(\.target)
            let larger = reached.union(further)
            if larger == reached { break }
            reached = larger
        }
        #expect(reached == Set(RequestState.allCases))
        #expect(Set(RequestStateMachine.transitions.map(\.event)) == Set(RequestEvent.allCases))
    }

    @Test func `from every state an end can be reached`() {
        for state in RequestState.allCases {
            var reached: Set<RequestState> = [state]
            for _ in RequestState.allCases {
                reached.formUnion(
                    RequestStateMachine.transitions.filter { reached.contains($0.source) }.map(\.target))
            }
            #expect(reached.contains { $0.isFinal }, "\(state)")
        }
    }

    @Test func `only a held request can become applied and only an applied one purged`() {
        for transition in RequestStateMachine.transitions {
            if transition.target == .applied { #expect(transition.source.isHeld) }
            if transition.target == .purged { #expect(transition.source == .applied) }
        }
        #expect(RequestStateMachine.states(accepting: .cancel) == [.queued, .running, .verifying, .retryable])
        #expect(RequestStateMachine.states(accepting: .publish) == [.verifying])
    }

    @Test func `raw values are the names of the API`() {
        #expect(
            RequestState.allCases.map(\.rawValue) == [
                "queued", "running", "verifying", "applied", "purged", "cancelled", "failed", "retryable",
            ])
        for event in RequestEvent.allCases {
            #expect(event.rawValue.utf8.allSatisfy { (97...122).contains($0) || $0 == 95 })
        }
    }
}
