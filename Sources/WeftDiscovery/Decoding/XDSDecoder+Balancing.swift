internal import SwiftProtobuf
internal import WeftModel
internal import WeftProtos

extension XDSDecoder {
    /// What another control plane says about balancing in xDS's own words.
    static func applyBalancing(_ cluster: Envoy_Config_Cluster_V3_Cluster, to model: inout Cluster) {
        let common = cluster.commonLbConfig
        if common.hasHealthyPanicThreshold {
            model.balancing.panicThreshold = Int(min(100, max(0, common.healthyPanicThreshold.value)).rounded())
        }
        if case .localityWeightedLbConfig? = common.localityConfigSpecifier { model.balancing.prefersZone = false }
        switch cluster.lbConfig {
        case .leastRequestLbConfig(let config):
            model.balancing.slowStart = config.slowStartConfig.slowStartWindow.swiftDuration
        case .roundRobinLbConfig(let config):
            model.balancing.slowStart = config.slowStartConfig.slowStartWindow.swiftDuration
        case .ringHashLbConfig, .maglevLbConfig, nil: break
        }
        // Absent, Envoy ejects nobody.
        model.outliers.isEnabled = cluster.hasOutlierDetection
        if cluster.hasOutlierDetection { self.applyOutliers(cluster.outlierDetection, to: &model.outliers) }
        model.healthCheck = cluster.healthChecks.first.flatMap(self.healthCheck)
    }

    private static func applyOutliers(
        _ detection: Envoy_Config_Cluster_V3_OutlierDetection, to policy: inout OutlierPolicy
    ) {
        policy.consecutiveFailures = detection.hasConsecutive5Xx ? Int(detection.consecutive5Xx.value) : 5
        if detection.hasEnforcingConsecutive5Xx, detection.enforcingConsecutive5Xx.value == 0 {
            policy.consecutiveFailures = 0
        }
        let enforcesShare = detection.hasEnforcingFailurePercentage && detection.enforcingFailurePercentage.value > 0
        let threshold = detection.hasFailurePercentageThreshold ? detection.failurePercentageThreshold.value : 85
        policy.successRate = enforcesShare ? 1 - Double(min(100, threshold)) / 100 : 0
        policy.minRequests =
            detection.hasFailurePercentageRequestVolume ? Int(detection.failurePercentageRequestVolume.value) : 50
        policy.baseEjection = detection.hasBaseEjectionTime ? detection.baseEjectionTime.swiftDuration : .seconds(30)
        policy.maxEjection = detection.hasMaxEjectionTime ? detection.maxEjectionTime.swiftDuration : .seconds(300)
        policy.maxEjectionPercent =
            detection.hasMaxEjectionPercent ? min(100, Int(detection.maxEjectionPercent.value)) : 10
        if detection.hasEnforcingSuccessRate, detection.enforcingSuccessRate.value == 0 { return }
        var cohort = OutlierPolicy.CohortDetector()
        if detection.hasSuccessRateMinimumHosts { cohort.minEndpoints = Int(detection.successRateMinimumHosts.value) }
        if detection.hasSuccessRateRequestVolume { cohort.minRequests = Int(detection.successRateRequestVolume.value) }
        if detection.hasSuccessRateStdevFactor {
            cohort.deviations = Double(detection.successRateStdevFactor.value) / 1_000
        }
        policy.cohort = cohort
    }

    private static func healthCheck(_ check: Envoy_Config_Core_V3_HealthCheck) -> HealthCheckPolicy? {
        let probe: HealthCheckPolicy.Probe
        switch check.healthChecker {
        case .httpHealthCheck(let http):
            let statuses: Set<Int> = Set(
                (100...599).filter { (status: Int) in
                    http.expectedStatuses.contains { status >= Int($0.start) && status < Int($0.end) }
                })
            // Absent, Envoy takes 200 alone; all of the successes are our own default.
            let all = statuses == Set(200..<300)
            probe = .http(path: http.path, statuses: statuses.isEmpty ? [200] : all ? [] : statuses)
        case .grpcHealthCheck(let grpc): probe = .grpc(service: grpc.serviceName)
        case .tcpHealthCheck: probe = .tcp
        case nil: return nil
        }
        var policy = HealthCheckPolicy(probe)
        if check.hasInterval { policy.interval = max(.milliseconds(100), check.interval.swiftDuration) }
        if check.hasTimeout { policy.timeout = max(.milliseconds(1), check.timeout.swiftDuration) }
        if check.hasUnhealthyThreshold { policy.unhealthyThreshold = max(1, Int(check.unhealthyThreshold.value)) }
        if check.hasHealthyThreshold { policy.healthyThreshold = max(1, Int(check.healthyThreshold.value)) }
        return policy
    }

    /// What another control plane's route says about hashing; of several policies the first that Weft knows.
    static func applyAffinity(_ action: Envoy_Config_Route_V3_RouteAction, to model: inout Route) {
        var keys = action.hashPolicy.compactMap(self.key)
        if case .weightedClusters(let weighted) = action.clusterSpecifier, weighted.useHashPolicy.value, !keys.isEmpty {
            model.stickyCohort = keys.count > 1 ? keys.removeFirst() : keys[0]
        }
        model.hashKey = keys.first
    }

    private static func key(_ policy: Envoy_Config_Route_V3_RouteAction.HashPolicy) -> AffinityKey? {
        switch policy.policySpecifier {
        case .header(let header): .header(header.headerName == ":authority" ? "host" : header.headerName)
        case .cookie(let cookie): .cookie(name: cookie.name, ttl: cookie.hasTtl ? cookie.ttl.swiftDuration : nil)
        case .queryParameter(let parameter): .query(parameter.name)
        case .connectionProperties(let properties): properties.sourceIp ? .source : nil
        case nil: nil
        }
    }
}
