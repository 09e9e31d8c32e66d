internal import SwiftProtobuf
internal import Synchronization
internal import WeftModel
internal import WeftProtos
internal import WeftTelemetry

/// The numbers that a sidecar reports: gathered from the loops now and then, read from anywhere.
final class EdgeReport: Sendable {
    private let newest = Mutex(Weft_V1_Stats())

    /// What was gathered last.
    var stats: Weft_V1_Stats { self.newest.withLock { $0 } }

    /// Takes the totals of all loops.
    func update(_ totals: [EdgeTotals], plaintext: [PlaintextCallers.Count], policies: PolicyUsage) {
        var merged: [RequestLabels: EdgeTotals] = [:]
        for edge in totals {
            if merged[edge.labels]?.merge(edge) == nil { merged[edge.labels] = edge }
        }
        let stats = Weft_V1_Stats.with {
            $0.edges = merged.values.map(\.message)
            $0.plaintext = plaintext.map(\.message)
            $0.policies = policies.messages
        }
        self.newest.withLock { $0 = stats }
    }
}

extension PlaintextCallers.Count {
    /// As the control plane is told.
    var message: Weft_V1_PlaintextCaller {
        .with {
            $0.address = self.address
            $0.destination = self.service.description
            $0.port = UInt32(clamping: self.port)
            $0.requests = self.requests
            $0.refused = self.refused
            $0.lastSeenUnix = self.lastSeen
        }
    }
}

extension EdgeTotals {
    /// As the control plane is told.
    var message: Weft_V1_EdgeStats {
        .with {
            $0.source = self.labels.source
            $0.destination = self.labels.destination
            $0.version = self.labels.version
            $0.route = self.labels.route
            $0.direction = self.labels.direction == .inbound ? .inbound : .outbound
            $0.protocol = self.labels.protocol
            $0.tls = self.labels.tls
            $0.peerIdentity = self.labels.peerIdentity
            $0.requests = self.requests
            $0.codeClasses = self.codeClasses.reduce(into: [:]) { $0[UInt32(clamping: $1.key)] = $1.value }
            $0.failures = self.failures.reduce(into: [:]) { $0[$1.key.rawValue] = $1.value }
            $0.grpcFailures = self.grpcFailures
            $0.retries = self.retries
            $0.bytesIn = self.receivedBytes
            $0.bytesOut = self.sentBytes
            $0.latencyBuckets = self.latencyCounts
            $0.latencySumMs = self.latencySumSeconds * 1000
        }
    }
}
