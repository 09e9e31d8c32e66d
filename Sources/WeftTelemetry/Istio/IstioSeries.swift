internal import WeftModel

/// Who counts, as far as an edge's own labels do not say.
package struct IstioTeller: Hashable, Sendable {
    /// The version of the workload.
    package var version: String
    /// The SPIFFE ID of the workload; empty before it has one.
    package var principal: String

    package init(version: String = "", principal: String = "") {
        self.version = version
        self.principal = principal
    }
}

/// The series of one edge under Istio's names, each way of ending with its own.
struct IstioSeries {
    private enum Series {
        case http(
            requests: MetricRegistry.SeriesID, duration: MetricRegistry.SeriesID, received: MetricRegistry.SeriesID,
            sent: MetricRegistry.SeriesID)
        case tcp(
            opened: MetricRegistry.SeriesID, closed: MetricRegistry.SeriesID, received: MetricRegistry.SeriesID,
            sent: MetricRegistry.SeriesID)
    }

    private struct Ending {
        let status: Int
        let grpcStatus: GRPCStatusLabel
        let reason: Reason
        let series: Series
    }

    /// Beyond so many endings statuses count as the first of their class, and gRPC's that say a failure as `other`.
    private static let exactEndings = 32
    /// Up to the security policy, which is the last that every request of the edge shares.
    private let labels: [String]
    private let isTCP: Bool
    private var endings: [Ending] = []

    init(_ labels: RequestLabels, of teller: IstioTeller) {
        self.labels = Self.labels(labels, teller)
        self.isTCP = labels.protocol == "tcp"
    }

    mutating func record(_ outcome: RequestOutcome, seconds: Double, in registry: MetricRegistry) {
        switch self.series(of: outcome, in: registry) {
        case .http(let requests, let duration, let received, let sent):
            registry.add(to: requests)
            registry.observe(seconds * 1000, in: duration, trace: outcome.trace, at: outcome.endedAt)
            registry.observe(Double(max(0, outcome.receivedBytes)), in: received)
            registry.observe(Double(max(0, outcome.sentBytes)), in: sent)
        case .tcp(let opened, let closed, let received, let sent):
            registry.add(to: opened)
            registry.add(to: closed)
            registry.add(UInt64(max(0, outcome.receivedBytes)), to: received)
            registry.add(UInt64(max(0, outcome.sentBytes)), to: sent)
        }
    }

    private mutating func series(of outcome: RequestOutcome, in registry: MetricRegistry) -> Series {
        let known = min(max(outcome.status, 100), 599)
        let status = GRPCStatusLabel(outcome.grpcStatus)
        if let series = self.find(known, status, outcome.reason) { return series }
        let isExact = self.endings.count < Self.exactEndings
        let kept = isExact ? known : known / 100 * 100
        let keptStatus = isExact || !status.isFailure ? status : .other
        if !isExact, let series = self.find(kept, keptStatus, outcome.reason) { return series }
        let series = self.makeSeries(kept, keptStatus, outcome.reason, in: registry)
        self.endings.append(Ending(status: kept, grpcStatus: keptStatus, reason: outcome.reason, series: series))
        return series
    }

    private func find(_ status: Int, _ grpcStatus: GRPCStatusLabel, _ reason: Reason) -> Series? {
        for ending in self.endings
        where ending.status == status && ending.grpcStatus == grpcStatus && ending.reason == reason {
            return ending.series
        }
        return nil
    }

    private func makeSeries(
        _ status: Int, _ grpcStatus: GRPCStatusLabel, _ reason: Reason, in registry: MetricRegistry
    ) -> Series {
        let flag = reason.envoyFlag
        let shared = self.labels + [flag.isEmpty ? "-" : flag]
        if self.isTCP {
            return .tcp(
                opened: registry.series(IstioMetricNames.opened, shared),
                closed: registry.series(IstioMetricNames.closed, shared),
                received: registry.series(IstioMetricNames.received, shared),
                sent: registry.series(IstioMetricNames.sent, shared))
        }
        let full = shared + ["\(status)", grpcStatus.text]
        return .http(
            requests: registry.series(IstioMetricNames.requests, full),
            duration: registry.series(IstioMetricNames.duration, full),
            received: registry.series(IstioMetricNames.requestBytes, full),
            sent: registry.series(IstioMetricNames.responseBytes, full))
    }

    // MARK: Labels

    private static func labels(_ edge: RequestLabels, _ teller: IstioTeller) -> [String] {
        let isSource = edge.direction == .outbound
        let source = Side(
            service: edge.source, version: isSource ? teller.version : "",
            principal: isSource ? teller.principal : edge.peerIdentity)
        let destination = Side(
            service: edge.destination, version: edge.version,
            principal: isSource ? edge.peerIdentity : teller.principal)
        let service =
            destination.namespace == "unknown"
            ? destination.name : "\(destination.name).\(destination.namespace).svc.cluster.local"
        // What protects a connection is for its destination to say.
        let security = isSource ? "unknown" : edge.tls ? "mutual_tls" : "none"
        let spoken = ["grpc", "tcp"].contains(edge.protocol) ? edge.protocol : "http"
        let reporter = [isSource ? "source" : "destination"]
        // Of clusters nothing is known: a mesh is one.
        let rest = [service, destination.name, destination.namespace, "unknown", spoken, security]
        return reporter + source.labels + ["unknown"] + destination.labels + rest
    }

    /// One side of an edge. Istio's workload is what replicas have in common: the service, with its version.
    private struct Side {
        let name: String
        let namespace: String
        let version: String
        let principal: String

        init(service: String, version: String, principal: String) {
            if let dot = service.lastIndex(of: ".") {
                self.name = String(service[..<dot])
                self.namespace = String(service[service.index(after: dot)...])
            } else {
                self.name = service.isEmpty ? "unknown" : service
                self.namespace = "unknown"
            }
            self.version = version
            self.principal = principal.isEmpty ? "unknown" : principal
        }

        /// Workload, namespace, principal, app, version, canonical service and revision; the source's cluster follows.
        var labels: [String] {
            let revision = self.version.isEmpty ? "latest" : self.version
            let version = self.version.isEmpty ? "unknown" : self.version
            return [
                self.version.isEmpty ? self.name : "\(self.name)-\(self.version)", self.namespace, self.principal,
                self.name, version, self.name, revision,
            ]
        }
    }
}
