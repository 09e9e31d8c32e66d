internal import Synchronization
internal import WeftModel

/// Remembers which revoked identities still try to connect. There are no more of them than revoked identities.
final class RevokedCallers: Sendable {
    /// How long one is remembered after it tried, seconds: longer than a proxy waits between two tries.
    static let memory: Int64 = 120

    private let seen = Mutex<[SPIFFEID: Int64]>([:])

    /// Takes down a try; `now` is in seconds since 1970.
    func note(_ identity: SPIFFEID, now: Int64) { self.seen.withLock { $0[identity] = now } }

    /// Those of `revoked` that tried lately, sorted; forgets all others.
    func recent(of revoked: Set<SPIFFEID>, now: Int64) -> [SPIFFEID] {
        self.seen.withLock { seen in
            seen = seen.filter { revoked.contains($0.key) && now - $0.value <= Self.memory }
            return seen.keys.sorted { $0.description < $1.description }
        }
    }
}
