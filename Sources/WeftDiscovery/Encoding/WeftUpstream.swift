internal import SwiftProtobuf
internal import WeftModel
internal import WeftProtos

/// Balancing, outliers, health checks and overload in Weft's own messages, there and back.
extension Weft_V1_AffinityKey {
    init(_ key: AffinityKey) {
        self.init()
        switch key {
        case .header(let name): self.header = name
        case .query(let name): self.query = name
        case .source: self.source = true
        case .cookie(let name, let ttl):
            self.cookie.name = name
            if let ttl { self.cookie.ttl = Google_Protobuf_Duration(ttl) }
        }
    }

    /// Nil for a kind of key that this release does not know.
    var model: AffinityKey? {
        switch self.key {
        case .header(let name): .header(name)
        case .query(let name): .query(name)
        case .source: .source
        case .cookie(let cookie): .cookie(name: cookie.name, ttl: cookie.hasTtl ? cookie.ttl.swiftDuration : nil)
        case nil: nil
        }
    }
}

extension Weft_V1_Balancing {
    init(_ options: BalancingOptions) {
        self.init()
        self.penalizesFailures = options.penalizesFailures
        if let key = options.hashKey { self.hashKey = Weft_V1_AffinityKey(key) }
        if let cookie = options.stickyCookie {
            self.stickyCookie.name = cookie.name
            self.stickyCookie.ttl = Google_Protobuf_Duration(cookie.ttl)
        }
        self.slowStart = Google_Protobuf_Duration(options.slowStart)
        self.prefersZone = options.prefersZone
        self.failover = options.failover
        self.panicThreshold = UInt32(clamping: options.panicThreshold)
    }

    var model: BalancingOptions {
        var options = BalancingOptions()
        options.penalizesFailures = self.penalizesFailures
        options.hashKey = self.hasHashKey ? self.hashKey.model : nil
        if self.hasStickyCookie {
            options.stickyCookie = WeftModel.StickyCookie(
                name: self.stickyCookie.name, ttl: self.stickyCookie.ttl.swiftDuration)
        }
        options.slowStart = self.slowStart.swiftDuration
        options.prefersZone = self.prefersZone
        options.failover = self.failover
        options.panicThreshold = min(100, Int(self.panicThreshold))
        return options
    }
}

extension Weft_V1_Outliers {
    init(_ policy: OutlierPolicy) {
        self.init()
        self.enabled = policy.isEnabled
        self.successRate = policy.successRate
        self.minRequests = UInt32(clamping: policy.minRequests)
        self.consecutiveFailures = UInt32(clamping: policy.consecutiveFailures)
        self.baseEjection = Google_Protobuf_Duration(policy.baseEjection)
        self.maxEjection = Google_Protobuf_Duration(policy.maxEjection)
        self.maxEjectionPercent = UInt32(clamping: policy.maxEjectionPercent)
        if let cohort = policy.cohort {
            self.cohort.deviations = cohort.deviations
            self.cohort.minEndpoints = UInt32(clamping: cohort.minEndpoints)
            self.cohort.minRequests = UInt32(clamping: cohort.minRequests)
        }
    }

    var model: OutlierPolicy {
        var policy = OutlierPolicy()
        policy.isEnabled = self.enabled
        policy.successRate = self.successRate
        policy.minRequests = Int(self.minRequests)
        policy.consecutiveFailures = Int(self.consecutiveFailures)
        policy.baseEjection = self.baseEjection.swiftDuration
        policy.maxEjection = self.maxEjection.swiftDuration
        policy.maxEjectionPercent = min(100, Int(self.maxEjectionPercent))
        if self.hasCohort {
            var cohort = OutlierPolicy.CohortDetector()
            cohort.deviations = self.cohort.deviations
            cohort.minEndpoints = Int(self.cohort.minEndpoints)
            cohort.minRequests = Int(self.cohort.minRequests)
            policy.cohort = cohort
        }
        return policy
    }
}

extension Weft_V1_HealthCheck {
    init(_ policy: HealthCheckPolicy) {
        self.init()
        switch policy.probe {
        case .http(let path, let statuses):
            self.http.path = path
            self.http.statuses = statuses.sorted().map { UInt32(clamping: $0) }
        case .grpc(let service): self.grpc = .with { $0.service = service }
        case .tcp: self.tcp = .init()
        }
        self.interval = Google_Protobuf_Duration(policy.interval)
        self.timeout = Google_Protobuf_Duration(policy.timeout)
        self.unhealthyThreshold = UInt32(clamping: policy.unhealthyThreshold)
        self.healthyThreshold = UInt32(clamping: policy.healthyThreshold)
    }

    /// Nil for a kind of check that this release does not know.
    var model: HealthCheckPolicy? {
        let probe: HealthCheckPolicy.Probe
        switch self.probe {
        case .http(let http): probe = .http(path: http.path, statuses: Set(http.statuses.map { Int($0) }))
        case .grpc(let grpc): probe = .grpc(service: grpc.service)
        case .tcp: probe = .tcp
        case nil: return nil
        }
        var policy = HealthCheckPolicy(probe)
        policy.interval = max(.milliseconds(100), self.interval.swiftDuration)
        policy.timeout = max(.milliseconds(1), self.timeout.swiftDuration)
        policy.unhealthyThreshold = max(1, Int(self.unhealthyThreshold))
        policy.healthyThreshold = max(1, Int(self.healthyThreshold))
        return policy
    }
}

extension Weft_V1_Admission {
    init(_ policy: AdmissionPolicy) {
        self.init()
        self.window = Google_Protobuf_Duration(policy.window)
        self.aggression = policy.aggression
        self.successRate = policy.successRate
        self.minRequestsPerSecond = UInt32(clamping: policy.minRequestsPerSecond)
        self.maxRejection = policy.maxRejection
    }

    var model: AdmissionPolicy {
        var policy = AdmissionPolicy()
        policy.window = self.window.swiftDuration
        policy.aggression = self.aggression
        policy.successRate = self.successRate
        policy.minRequestsPerSecond = Int(self.minRequestsPerSecond)
        policy.maxRejection = self.maxRejection
        return policy
    }
}

extension Weft_V1_Concurrency {
    init(_ policy: ConcurrencyPolicy) {
        self.init()
        self.percentile = UInt32(clamping: policy.percentile)
        self.updateInterval = Google_Protobuf_Duration(policy.updateInterval)
        self.maxLimit = UInt32(clamping: policy.maxLimit)
        self.minRttInterval = Google_Protobuf_Duration(policy.minRTTInterval)
        self.minRttRequests = UInt32(clamping: policy.minRTTRequests)
        self.jitterPercent = UInt32(clamping: policy.jitterPercent)
        self.minConcurrency = UInt32(clamping: policy.minConcurrency)
        self.bufferPercent = UInt32(clamping: policy.bufferPercent)
    }

    var model: ConcurrencyPolicy {
        var policy = ConcurrencyPolicy()
        policy.percentile = Int(self.percentile)
        policy.updateInterval = self.updateInterval.swiftDuration
        policy.maxLimit = max(1, Int(self.maxLimit))
        policy.minRTTInterval = self.minRttInterval.swiftDuration
        policy.minRTTRequests = max(1, Int(self.minRttRequests))
        policy.jitterPercent = Int(self.jitterPercent)
        policy.minConcurrency = max(1, Int(self.minConcurrency))
        policy.bufferPercent = Int(self.bufferPercent)
        return policy
    }
}
