internal import FoundationEssentials
internal import Logging
internal import Synchronization
internal import WeftIdentity
internal import WeftModel

/// Keeps what the sidecar trusts: takes newer words for it, saves them, and wakes whoever waits for a change.
final class TrustKeeper: Sendable {
    private struct State {
        var held: HeldTrust?
        /// The demand to renew that the present certificate has followed.
        var renewedFor: Int64?
        var waiting: [Int: AsyncStream<Void>.Continuation] = [:]
        var last = 0
    }

    /// Nil keeps nothing over a restart.
    private let storage: PrivateDirectory?
    private let logger: Logger
    private let state = Mutex(State())

    init(storage: PrivateDirectory?, logger: Logger) {
        self.storage = storage
        self.logger = logger
    }

    /// Nil before there is an identity.
    var held: HeldTrust? { self.state.withLock { $0.held } }

    // MARK: Beginning

    /// Goes on from what an earlier run saved; without it, from the roots saved with the identity.
    func restore(for identity: WorkloadIdentity) throws(TrustStateError) {
        var saved: TrustState?
        do {
            saved = try self.storage.flatMap { storage throws(WorkloadIdentityError) in
                try SavedTrust.load(from: storage)
            }
        } catch {
            self.logger.warning(
                "what was trusted is not known; only the identity's own roots are, until the control plane answers",
                metadata: ["cause": "\(error)"])
        }
        if let saved, saved.trustDomain == identity.id.trustDomain, let held = try? HeldTrust(saved) {
            return self.state.withLock { $0.held = held }
        }
        try self.begin(with: TrustState(trustDomain: identity.id.trustDomain, roots: identity.bundle))
    }

    /// Begins with a new identity, whatever was trusted before.
    func begin(with trust: TrustState) throws(TrustStateError) {
        let held = try HeldTrust(trust)
        self.state.withLock { state in
            state.held = held
            state.renewedFor = trust.renewBefore
        }
    }

    // MARK: Changing

    /// Takes what the control plane says, unless it said something newer before. Saved before it is used; what cannot be
    /// saved is used all the same.
    func take(_ trust: TrustState) throws(TrustStateError) -> HeldTrust.Outcome {
        let (outcome, waiting) = try self.state.withLock {
            state throws(TrustStateError) -> (HeldTrust.Outcome, [AsyncStream<Void>.Continuation]) in
            guard var held = state.held else {
                state.held = try HeldTrust(trust)
                return (.replaced, [])
            }
            let outcome = try held.take(trust)
            guard outcome == .replaced else { return (outcome, []) }
            state.held = held
            return (outcome, Array(state.waiting.values))
        }
        if outcome == .replaced {
            self.save()
            for continuation in waiting { continuation.yield() }
        }
        return outcome
    }

    /// Writes what is held.
    func save() {
        guard let storage = self.storage, let held = self.held else { return }
        do { try SavedTrust.save(held.state, to: storage) } catch {
            self.logger.error("what is trusted could not be saved", metadata: ["cause": "\(error)"])
        }
    }

    // MARK: Renewal

    /// Whether a certificate must be replaced whatever its age: the control plane asks for it, or it leads to no root that
    /// is trusted any more.
    func wantsRenewal(of identity: WorkloadIdentity, now: Date) -> Bool {
        self.state.withLock { state in
            guard let held = state.held else { return false }
            if let before = held.state.renewBefore, state.renewedFor != before,
                // By at most a minute earlier than it was issued; that renews one in vain, once.
                identity.notBefore.timeIntervalSince1970 < Double(before)
            {
                return true
            }
            return held.rootFingerprint(of: identity, now: now) == nil
        }
    }

    /// A certificate was issued after this demand had come, and so follows it.
    func renewed(for demand: Int64?) { self.state.withLock { $0.renewedFor = demand } }

    /// Waits for this long, or until something changes.
    func wait(_ duration: Duration, unless isDue: () -> Bool) async throws {
        let (wakeUps, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let id = self.state.withLock { state in
            state.last += 1
            state.waiting[state.last] = continuation
            return state.last
        }
        defer { _ = self.state.withLock { $0.waiting.removeValue(forKey: id) } }
        // What changed before it was waited for wakes nobody.
        guard !isDue() else { return }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in wakeUps { return } }
            group.addTask { try await Task.sleep(for: duration) }
            try await group.next()
            group.cancelAll()
        }
    }
}
