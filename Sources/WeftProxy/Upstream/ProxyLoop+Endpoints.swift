internal import Logging
internal import WeftModel
internal import WeftTelemetry
internal import WeftTraffic

extension ProxyLoop {
    /// Health checks have come to think otherwise of an endpoint.
    func apply(_ report: HealthReport) {
        guard let cluster = self.traffic.cluster(report.cluster) else { return }
        for endpoint in cluster.balancer.endpoints where endpoint.endpoint == report.endpoint {
            cluster.balancer.setHealth(of: endpoint, isHealthy: report.isHealthy)
        }
        self.noteEvents(of: cluster)
    }

    /// Logs and counts what has happened to a cluster's endpoints.
    func noteEvents(of cluster: ClusterTraffic) {
        let service = cluster.cluster.service.description
        let destination = cluster.cluster.metricDestination
        for event in cluster.balancer.takeEvents() {
            switch event {
            case .ejected(let endpoint, let trip, let span):
                self.telemetry.ejected(destination, trip)
                self.note(
                    .warning, "took an endpoint out of balancing", service, endpoint,
                    ["cause": "\(trip.rawValue)", "for": "\(span)"])
            case .readmitted(let endpoint):
                self.note(.info, "took an endpoint back into balancing", service, endpoint)
            case .becameUnhealthy(let endpoint):
                self.note(.warning, "an endpoint fails its health checks", service, endpoint)
            case .becameHealthy(let endpoint):
                self.note(.info, "an endpoint passes its health checks again", service, endpoint)
            case .panicBegan(let eligible, let count):
                self.logger.warning(
                    "too few endpoints are well: ejections and health checks are ignored",
                    metadata: ["service": "\(service)", "eligible": "\(eligible)", "endpoints": "\(count)"])
            case .panicEnded:
                self.logger.info(
                    "enough endpoints are well: ejections and health checks count again",
                    metadata: ["service": "\(service)"])
            }
        }
    }

    private func note(
        _ level: Logger.Level, _ message: Logger.Message, _ service: String, _ endpoint: Endpoint,
        _ more: Logger.Metadata = [:]
    ) {
        var metadata: Logger.Metadata = [
            "service": "\(service)", "workload": "\(endpoint.workload)",
            "endpoint": "\(endpoint.address):\(endpoint.port)",
        ]
        metadata.merge(more) { $1 }
        self.logger.log(level: level, message, metadata: metadata)
    }

    /// The metrics of this loop, with gauges read now.
    func metrics() -> MetricRegistry.Copy {
        let (registry, now) = (self.telemetry.registry, self.now)
        var copy = registry.copy()
        registry.measure(Double(registry.count), of: MetricNames.series, into: &copy)
        registry.measure(Double(self.requestsInFlight), of: MetricNames.requestsInFlight, into: &copy)
        for cluster in self.traffic.clusters.values { self.telemetry.measure(cluster, now: now, into: &copy) }
        for application in self.openApplications {
            if let gate = application.gate { self.telemetry.measure(gate, port: application.port, into: &copy) }
        }
        return copy
    }
}
