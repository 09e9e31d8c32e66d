internal import Synchronization
internal import WeftIdentity
internal import WeftModel

/// Holds what the mesh trusts now: what the listeners believe goes by it, and every stream is told when it changes.
/// Only the newest waits for whoever is slow.
final class TrustHub: Sendable {
    private struct State {
        var trust: TrustState
        var verifier: SVIDVerifier
        var generation = 0
        var subscribers: [Int: AsyncStream<Void>.Continuation] = [:]
        var last = 0
    }

    /// What is trusted, and a number that tells it from what was trusted before in this run.
    struct Current: Sendable {
        let trust: TrustState
        let generation: Int
    }

    private let state: Mutex<State>

    /// Throws `TrustStateError` where nobody could be believed.
    init(_ trust: TrustState) throws {
        self.state = Mutex(State(trust: trust, verifier: try Self.callers(trust)))
    }

    var current: Current { self.state.withLock { Current(trust: $0.trust, generation: $0.generation) } }

    /// Verifies what callers of the control plane show: identities of the mesh's own trust domain and of no other.
    var verifier: SVIDVerifier { self.state.withLock { $0.verifier } }

    /// Workloads of other trust domains call our workloads. The control plane is for our own: it tells its callers the
    /// whole mesh.
    private static func callers(_ trust: TrustState) throws -> SVIDVerifier {
        // Others' roots must be readable all the same: proxies get them.
        _ = try SVIDVerifier(trust)
        var own = trust
        own.federated = [:]
        return try SVIDVerifier(own)
    }

    func isRevoked(_ identity: SPIFFEID) -> Bool { self.state.withLock { $0.trust.revoked.contains(identity) } }

    /// Puts a state in force and wakes every subscriber; one that is older than what is in force is passed over. Throws
    /// `TrustStateError` where nobody could be believed; what was in force stays.
    func publish(_ trust: TrustState) throws {
        let verifier = try Self.callers(trust)
        let subscribers = self.state.withLock { state -> [AsyncStream<Void>.Continuation] in
            guard trust.version >= state.trust.version, trust != state.trust else { return [] }
            state.trust = trust
            state.verifier = verifier
            state.generation += 1
            return Array(state.subscribers.values)
        }
        for subscriber in subscribers { subscriber.yield() }
    }

    /// Wake-ups for one stream; several that come while it is busy are one.
    func subscribe() -> (id: Int, wakeUps: AsyncStream<Void>) {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let id = self.state.withLock { state in
            state.last += 1
            state.subscribers[state.last] = continuation
            return state.last
        }
        return (id, stream)
    }

    func unsubscribe(_ id: Int) {
        let subscriber = self.state.withLock { $0.subscribers.removeValue(forKey: id) }
        subscriber?.finish()
    }
}
