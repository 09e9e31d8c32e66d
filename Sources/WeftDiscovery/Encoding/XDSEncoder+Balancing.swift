internal import SwiftProtobuf
internal import WeftModel
internal import WeftProtos

/// Balancing, outliers and health checks in xDS's own words, for proxies that are not Weft's.
extension XDSEncoder {
    func balancing(of cluster: Cluster, in message: inout Envoy_Config_Cluster_V3_Cluster) {
        switch self.dialect {
        case .weft: return
        case .grpc:
            message.outlierDetection = self.outliers(cluster.outliers)
            if !cluster.outliers.isEnabled { message.clearOutlierDetection() }
        case .envoy:
            self.configure(cluster, in: &message)
            message.commonLbConfig.healthyPanicThreshold.value = Double(cluster.balancing.panicThreshold)
            if cluster.balancing.prefersZone {
                message.commonLbConfig.zoneAwareLbConfig.minClusterSize = Google_Protobuf_UInt64Value(1)
            }
            if cluster.outliers.isEnabled { message.outlierDetection = self.outliers(cluster.outliers) }
            if let check = cluster.healthCheck { message.healthChecks = [self.healthCheck(check)] }
        }
    }

    private func configure(_ cluster: Cluster, in message: inout Envoy_Config_Cluster_V3_Cluster) {
        let window = cluster.balancing.slowStart
        let slowStart: Envoy_Config_Cluster_V3_Cluster.SlowStartConfig = .with {
            $0.slowStartWindow = Google_Protobuf_Duration(window)
            $0.minWeightPercent.value = 10
        }
        switch cluster.loadBalancing {
        case .peakEWMA, .leastRequest:
            if window > .zero { message.leastRequestLbConfig.slowStartConfig = slowStart }
        case .roundRobin: if window > .zero { message.roundRobinLbConfig.slowStartConfig = slowStart }
        case .ringHash: message.ringHashLbConfig.minimumRingSize = Google_Protobuf_UInt64Value(1024)
        case .maglev: message.maglevLbConfig.tableSize = Google_Protobuf_UInt64Value(65_537)
        case .random: break
        }
    }

    /// Envoy counts failures in a row, and the share of failures by intervals; both trips are said, and nothing that Weft
    /// does not do.
    private func outliers(_ policy: OutlierPolicy) -> Envoy_Config_Cluster_V3_OutlierDetection {
        func number(_ value: Int) -> Google_Protobuf_UInt32Value {
            Google_Protobuf_UInt32Value(UInt32(clamping: value))
        }
        return .with {
            $0.interval = Google_Protobuf_Duration(.seconds(10))
            $0.baseEjectionTime = Google_Protobuf_Duration(policy.baseEjection)
            $0.maxEjectionTime = Google_Protobuf_Duration(max(policy.baseEjection, policy.maxEjection))
            $0.maxEjectionTimeJitter = Google_Protobuf_Duration(policy.baseEjection / 2)
            $0.maxEjectionPercent = number(policy.maxEjectionPercent)
            $0.alwaysEjectOneHost = Google_Protobuf_BoolValue(policy.maxEjectionPercent > 0)
            $0.consecutive5Xx = number(max(1, policy.consecutiveFailures))
            $0.enforcingConsecutive5Xx = number(policy.consecutiveFailures > 0 ? 100 : 0)
            $0.enforcingConsecutiveGatewayFailure = number(0)
            $0.failurePercentageThreshold = number(Int(((1 - policy.successRate) * 100).rounded()))
            $0.enforcingFailurePercentage = number(policy.successRate > 0 ? 100 : 0)
            $0.failurePercentageMinimumHosts = number(1)
            $0.failurePercentageRequestVolume = number(policy.minRequests)
            $0.enforcingSuccessRate = number(policy.cohort == nil ? 0 : 100)
            guard let cohort = policy.cohort else { return }
            $0.successRateMinimumHosts = number(cohort.minEndpoints)
            $0.successRateRequestVolume = number(cohort.minRequests)
            $0.successRateStdevFactor = number(Int((cohort.deviations * 1_000).rounded()))
        }
    }

    private func healthCheck(_ policy: HealthCheckPolicy) -> Envoy_Config_Core_V3_HealthCheck {
        .with {
            $0.timeout = Google_Protobuf_Duration(policy.timeout)
            $0.interval = Google_Protobuf_Duration(policy.interval)
            $0.noTrafficInterval = Google_Protobuf_Duration(policy.interval)
            $0.intervalJitterPercent = 10
            $0.unhealthyThreshold = Google_Protobuf_UInt32Value(UInt32(clamping: policy.unhealthyThreshold))
            $0.healthyThreshold = Google_Protobuf_UInt32Value(UInt32(clamping: policy.healthyThreshold))
            switch policy.probe {
            case .http(let path, let statuses):
                $0.httpHealthCheck.path = path
                let ranges = statuses.isEmpty ? [200..<300] : statuses.sorted().map { $0..<($0 + 1) }
                $0.httpHealthCheck.expectedStatuses = ranges.map { range in
                    .with {
                        $0.start = Int64(range.lowerBound)
                        $0.end = Int64(range.upperBound)
                    }
                }
            case .grpc(let service): $0.grpcHealthCheck.serviceName = service
            case .tcp: $0.tcpHealthCheck = .init()
            }
        }
    }

    // MARK: Routes

    /// What a route says about hashing: the user of a split, and what the backends' balancing follows.
    func affinity(of route: Route, in action: inout Envoy_Config_Route_V3_RouteAction) {
        var keys: [AffinityKey] = []
        if let cohort = route.stickyCohort, case .weightedClusters? = action.clusterSpecifier {
            keys.append(cohort)
            action.weightedClusters.useHashPolicy = Google_Protobuf_BoolValue(true)
        }
        if let key = route.hashKey, !keys.contains(key) { keys.append(key) }
        if self.dialect == .grpc {
            // A gRPC client hashes headers alone, and splits at random.
            keys = route.hashKey.map { [$0] } ?? []
            keys.removeAll { if case .header = $0 { false } else { true } }
            if case .weightedClusters? = action.clusterSpecifier { action.weightedClusters.randomValueSpecifier = nil }
        }
        action.hashPolicy = keys.map(self.hashPolicy)
    }

    private func hashPolicy(_ key: AffinityKey) -> Envoy_Config_Route_V3_RouteAction.HashPolicy {
        .with {
            switch key {
            case .header(let name): $0.header.headerName = name == "host" ? ":authority" : name
            case .query(let name): $0.queryParameter.name = name
            case .source: $0.connectionProperties.sourceIp = true
            case .cookie(let name, let ttl):
                $0.cookie.name = name
                guard let ttl else { return }
                $0.cookie.ttl = Google_Protobuf_Duration(ttl)
                $0.cookie.path = "/"
            }
        }
    }
}
