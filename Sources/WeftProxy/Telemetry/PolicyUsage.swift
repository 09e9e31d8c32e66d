internal import SwiftProtobuf
internal import WeftProtos
internal import WeftTelemetry

/// How often the rules of authorization policies decided, summed over loops.
package struct PolicyUsage: Sendable {
    private struct Counts {
        var allowed: UInt64 = 0
        var denied: UInt64 = 0
        var audited: UInt64 = 0
    }

    /// By policy and rule, as metrics label them.
    private var counts: [[String]: Counts] = [:]

    init() {}

    /// The counts of one loop.
    init(_ registry: MetricRegistry) {
        for (labels, count) in registry.counters(of: MetricNames.authorizationDecisions) where labels.count == 3 {
            if labels[2] == "allowed" {
                self.counts[Array(labels.prefix(2)), default: Counts()].allowed += count
            } else {
                self.counts[Array(labels.prefix(2)), default: Counts()].denied += count
            }
        }
        for (labels, count) in registry.counters(of: MetricNames.authorizationAudit) where labels.count == 3 {
            self.counts[Array(labels.prefix(2)), default: Counts()].audited += count
        }
    }

    mutating func add(_ other: PolicyUsage) {
        self.counts.merge(other.counts) { left, right in
            Counts(
                allowed: left.allowed + right.allowed, denied: left.denied + right.denied,
                audited: left.audited + right.audited)
        }
    }

    /// As the control plane is told.
    var messages: [Weft_V1_PolicyUsage] {
        self.counts.map { labels, counts in
            .with {
                $0.policy = labels[0]
                $0.rule = UInt32(labels[1]) ?? 0
                $0.allowed = counts.allowed
                $0.denied = counts.denied
                $0.audited = counts.audited
            }
        }
    }
}
