internal import Synchronization
internal import SwiftProtobuf
internal import WeftModel
internal import WeftProtos
internal import WeftTraffic

/// The rate limits of a sidecar, of which all loops share the buckets; and what it tells the control plane about those
/// that it shares with other proxies. Loops come here only when a configuration is installed.
package final class RateLimitBook: Sendable {
    private struct Entry {
        var table: RateLimitTable
        /// Requests seen when the last report was made.
        var reported: UInt64 = 0
    }

    /// More names than one workload can have in force; then the oldest configuration's are forgotten.
    private static let maxEntries = 1024

    private let entries = Mutex<[String: Entry]>([:])

    package init() {}

    /// The buckets of a limit, the same for every loop. One that has changed begins anew, with the slice it had.
    func table(of limit: RateLimit, service: ServiceName) -> RateLimitTable {
        let name = limit.quota(of: service)
        return self.entries.withLock { entries in
            if let known = entries[name]?.table, known.limit == limit { return known }
            let share = entries[name]?.table.share ?? 0
            if entries.count >= Self.maxEntries { entries.removeAll() }
            let table = RateLimitTable(limit)
            if limit.scope == .mesh { table.take(share: share) }
            entries[name] = Entry(table: table)
            return table
        }
    }

    /// What was asked of shared limits since the last report; empty without any.
    func uses(over elapsed: Duration) -> [Weft_V1_QuotaReport.Use] {
        let (whole, fraction) = elapsed.components
        let seconds = max(0.001, Double(whole) + Double(fraction) * 1e-18)
        return self.entries.withLock { entries in
            var uses: [Weft_V1_QuotaReport.Use] = []
            for (name, entry) in entries where entry.table.limit.scope == .mesh {
                let seen = entry.table.requestsSeen
                entries[name]?.reported = seen
                uses.append(
                    .with {
                        $0.quota = name
                        $0.demand = Double(seen &- entry.reported) / seconds
                        $0.share = entry.table.share
                    })
            }
            return uses
        }
    }

    /// Takes the slices granted; those of limits that are no longer in force are passed over.
    func take(_ grant: Weft_V1_QuotaGrant) {
        self.entries.withLock { entries in
            for slice in grant.slices { entries[slice.quota]?.table.take(share: slice.share) }
        }
    }

    /// The slices in force, by the shared limit's name.
    var shares: [String: Double] {
        self.entries.withLock { entries in
            entries.filter { $0.value.table.limit.scope == .mesh }.mapValues(\.table.share)
        }
    }
}
