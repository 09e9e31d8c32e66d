internal import Synchronization
internal import SwiftProtobuf
internal import WeftModel
internal import WeftProtos

/// The ledger of shared limits, and which workload has a part in which limit.
final class QuotaBook: Sendable {
    private let ledger: Mutex<QuotaLedger>
    private let hub: SnapshotHub
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant

    /// Limits in one report; more are passed over.
    private static let maxUses = 64

    init(hub: SnapshotHub) {
        self.hub = hub
        self.start = self.clock.now
        self.ledger = Mutex(QuotaLedger(now: 0))
    }

    /// Answers a proxy's report; nil where nothing changes. `workload` is its name as it registered, `listeners` are
    /// those of its ports.
    func answer(
        _ report: Weft_V1_QuotaReport, from workload: String, listeners: [String]
    ) -> Weft_V1_QuotaGrant? {
        let shared = self.quotas(of: listeners)
        let elapsed = self.clock.now - self.start
        let now = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
        let slices = self.ledger.withLock { ledger in
            ledger.prune(now: now)
            return report.uses.prefix(Self.maxUses).compactMap { use -> Weft_V1_QuotaGrant.Slice? in
                guard shared.contains(use.quota),
                    let share = ledger.report(
                        use.quota, by: workload, demand: use.demand, share: use.share, now: now)
                else { return nil }
                return .with {
                    $0.quota = use.quota
                    $0.share = share
                }
            }
        }
        return slices.isEmpty ? nil : .with { $0.slices = slices }
    }

    /// The shared limits that hold for a workload: nobody draws on those of other services.
    private func quotas(of listeners: [String]) -> Set<String> {
        let known = self.hub.snapshot.listeners
        var quotas: Set<String> = []
        for case .inbound(let listener)? in listeners.map({ known[$0] }) {
            for limit in listener.rateLimits where limit.scope == .mesh {
                quotas.insert(limit.quota(of: listener.service))
            }
        }
        return quotas
    }
}
