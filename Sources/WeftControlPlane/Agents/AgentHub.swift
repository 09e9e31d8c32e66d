internal import Synchronization
internal import WeftIdentity
internal import WeftModel

/// Holds what the hosts' agents go by, entries and trust, and wakes their streams when either changes.
final class AgentHub: Sendable {
    private struct State {
        var entries: [RegistrationEntry] = []
        var trust: WorkloadTrust
        /// Identities that no agent gives out.
        var revoked: Set<SPIFFEID>
        var subscribers: [Int: AsyncStream<Void>.Continuation] = [:]
        var last = 0
        var isClosed = false
    }

    /// Entries that one agent is given at most; the first by name.
    static let entriesPerAgent = 2000

    private let state: Mutex<State>

    init(trust: WorkloadTrust, revoked: Set<SPIFFEID> = []) {
        self.state = Mutex(State(trust: trust, revoked: revoked))
    }

    var trust: WorkloadTrust { self.state.withLock { $0.trust } }

    /// What the agent of `host` gives out, by name: what is meant for it, but for identities that are revoked.
    func entries(for host: String) -> [RegistrationEntry] {
        let (entries, domain, revoked) = self.state.withLock { ($0.entries, $0.trust.own.trustDomain, $0.revoked) }
        let given = entries.filter { entry in
            entry.isFor(host: host)
                && !revoked.contains(
                    SPIFFEID(trustDomain: domain, namespace: entry.metadata.namespace, account: entry.account))
        }
        return Array(given.prefix(Self.entriesPerAgent))
    }

    /// The entry called `id`, provided that it is meant for `host`; also one whose identity is revoked, so that whoever
    /// asks can be told.
    func entry(_ id: String, for host: String) -> RegistrationEntry? {
        self.state.withLock { $0.entries }.first { $0.id == id && $0.isFor(host: host) }
    }

    /// The services that entries let an identity register workloads for.
    func services(of identity: SPIFFEID) -> Set<String> { Set(self.entries(of: identity).compactMap(\.service)) }

    /// The labels that entries let an identity claim.
    func labels(of identity: SPIFFEID) -> LabelGrants {
        self.entries(of: identity).reduce(into: LabelGrants()) { $0.add($1.labels) }
    }

    private func entries(of identity: SPIFFEID) -> [RegistrationEntry] {
        guard identity.trustDomain == self.trust.own.trustDomain, let (namespace, account) = identity.workload else {
            return []
        }
        return self.state.withLock { $0.entries }.filter {
            $0.metadata.namespace == namespace && $0.account == account
        }
    }

    /// Takes the entries among `resources`.
    func publish(_ resources: [Resource]) {
        var entries: [RegistrationEntry] = []
        for case .registrationEntry(let entry) in resources { entries.append(entry) }
        entries.sort { $0.id < $1.id }
        self.change { state in
            guard state.entries != entries else { return false }
            state.entries = entries
            return true
        }
    }

    func publish(_ trust: WorkloadTrust, revoked: Set<SPIFFEID>) {
        self.change { state in
            guard state.trust != trust || state.revoked != revoked else { return false }
            state.trust = trust
            state.revoked = revoked
            return true
        }
    }

    /// Wake-ups for one stream; several that come while it is busy are one. Ends when the control plane stops.
    func subscribe() -> (id: Int, wakeUps: AsyncStream<Void>) {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let id = self.state.withLock { state -> Int? in
            guard !state.isClosed else { return nil }
            state.last += 1
            state.subscribers[state.last] = continuation
            return state.last
        }
        if id == nil { continuation.finish() }
        return (id ?? 0, stream)
    }

    func unsubscribe(_ id: Int) {
        let subscriber = self.state.withLock { $0.subscribers.removeValue(forKey: id) }
        subscriber?.finish()
    }

    /// How many streams follow; for tests and limits.
    var subscriberCount: Int { self.state.withLock { $0.subscribers.count } }

    /// Ends every subscription, now and later.
    func close() {
        let subscribers = self.state.withLock { state in
            state.isClosed = true
            defer { state.subscribers = [:] }
            return Array(state.subscribers.values)
        }
        for subscriber in subscribers { subscriber.finish() }
    }

    private func change(_ body: (inout State) -> Bool) {
        let subscribers = self.state.withLock { body(&$0) ? Array($0.subscribers.values) : [] }
        for subscriber in subscribers { subscriber.yield() }
    }
}
