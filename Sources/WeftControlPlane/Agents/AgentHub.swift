internal import Synchronization
internal import WeftIdentity
internal import WeftModel

/// Holds what the hosts' agents go by, entries and trust, and wakes their streams when either changes.
final class AgentHub: Sendable {
    private struct State {
        var entries: [RegistrationEntry] = []
        var trust: WorkloadTrust
        var subscribers: [Int: AsyncStream<Void>.Continuation] = [:]
        var last = 0
        var isClosed = false
    }

    /// Entries that one agent is given at most; the first by name.
    static let entriesPerAgent = 2000

    private let state: Mutex<State>

    init(trust: WorkloadTrust) { self.state = Mutex(State(trust: trust)) }

    var trust: WorkloadTrust { self.state.withLock { $0.trust } }

    /// What the agent of `host` gives out, by name.
    func entries(for host: String) -> [RegistrationEntry] {
        Array(self.state.withLock { $0.entries }.filter { $0.isFor(host: host) }.prefix(Self.entriesPerAgent))
    }

    /// The entry called `id`, provided that the agent of `host` gives it out.
    func entry(_ id: String, for host: String) -> RegistrationEntry? {
        self.entries(for: host).first { $0.id == id }
    }

    /// The services that entries let an identity register workloads for.
    func services(of identity: SPIFFEID) -> Set<String> {
        guard identity.trustDomain == self.trust.own.trustDomain, let (namespace, account) = identity.workload else {
            return []
        }
        let entries = self.state.withLock { $0.entries }
        return Set(entries.filter { $0.metadata.namespace == namespace && $0.account == account }.compactMap(\.service))
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

    func publish(_ trust: WorkloadTrust) {
        self.change { state in
            guard state.trust != trust else { return false }
            state.trust = trust
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
