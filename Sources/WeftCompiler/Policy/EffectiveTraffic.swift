package import WeftModel

/// A value and the resource that set it; nil is the built-in default.
package struct Sourced<Value: Hashable & Sendable>: Hashable, Sendable {
    package let value: Value
    package let source: Provenance?

    package init(_ value: Value, from source: Provenance? = nil) {
        self.value = value
        self.source = source
    }
}

/// How calls behave once every policy has been heard, each value with where it came from.
package struct EffectiveTraffic: Hashable, Sendable {
    /// Nil takes the built-in default of `RouteTimeouts`; zero disables.
    package var requestTimeout = Sourced<Duration?>(nil)
    /// Nil and zero are none.
    package var perTryTimeout = Sourced<Duration?>(nil)
    /// Nil takes the built-in default of `RouteTimeouts`; zero disables.
    package var idleTimeout = Sourced<Duration?>(nil)
    package var connectTimeout = Sourced(Duration.seconds(1))
    package var trustDeadlines = Sourced(false)
    package var forwarding = ForwardingPolicy()
    package var retryAttempts = Sourced(RetryPolicy().attempts)
    package var retryStatuses = Sourced(RetryPolicy().statuses)
    package var retryGRPCStatuses = Sourced(RetryPolicy().grpcStatuses)
    package var retryNonIdempotent = Sourced(RetryPolicy().nonIdempotent)
    package var retryBackoff = Sourced(RetryPolicy().backoffBase)
    package var budgetRatio = Sourced(RetryBudgetPolicy().ratio)
    package var budgetMinPerSecond = Sourced(RetryBudgetPolicy().minPerSecond)
    /// Nil is none.
    package var hedging = Sourced<HedgePolicy?>(nil)
    package var rateLimits = Sourced<[RateLimit]>([])
    /// Nil is none.
    package var fault = Sourced<FaultPolicy?>(nil)
    package var loadBalancing = Sourced(LoadBalancing.peakEWMA)
    /// Nil is unlimited.
    package var maxConnections = Sourced<Int?>(nil)
    package var maxPendingRequests = Sourced(CircuitLimits().pendingRequests)
    /// Nil is unlimited.
    package var maxRequests = Sourced<Int?>(nil)
    /// Nil is unlimited.
    package var maxRetries = Sourced<Int?>(nil)
    package var balancing = BalancingOptions()
    package var outliers = OutlierPolicy()
    /// Nil asks nobody.
    package var healthCheck = Sourced<HealthCheckPolicy?>(nil)
    package var concurrency = Sourced<ConcurrencyPolicy?>(nil)
    package var admission = Sourced<AdmissionPolicy?>(nil)
    /// Nil leaves the side of a split to chance.
    package var stickyCohort = Sourced<AffinityKey?>(nil)
    /// Who set the values of `forwarding`, `balancing` and `outliers`. A value without an entry is the built-in default.
    package var sources: [TrafficSetting: Provenance] = [:]

    /// The built-in defaults.
    package init() {}

    /// Puts a narrower policy over these values: what it sets counts, with the line that sets it where that is known.
    package mutating func apply(_ settings: TrafficSettings, from source: Provenance?) {
        func replace<Value>(_ value: inout Sourced<Value>, with new: Value?, _ setting: TrafficSetting) {
            if let new { value = Sourced(new, from: source?.at(line: settings.lines[setting])) }
        }
        func replace<Value>(_ value: inout Sourced<Value?>, with new: Value?, _ setting: TrafficSetting) {
            if let new { value = Sourced(new, from: source?.at(line: settings.lines[setting])) }
        }
        replace(&self.requestTimeout, with: settings.requestTimeout, .requestTimeout)
        replace(&self.perTryTimeout, with: settings.perTryTimeout, .perTryTimeout)
        replace(&self.idleTimeout, with: settings.idleTimeout, .idleTimeout)
        replace(&self.connectTimeout, with: settings.connectTimeout, .connectTimeout)
        replace(&self.trustDeadlines, with: settings.trustDeadlines, .trustDeadlines)
        replace(&self.retryAttempts, with: settings.retry?.attempts, .retryAttempts)
        replace(&self.retryStatuses, with: settings.retry?.statuses, .retryStatuses)
        replace(&self.retryGRPCStatuses, with: settings.retry?.grpcStatuses, .retryGRPCStatuses)
        replace(&self.retryNonIdempotent, with: settings.retry?.nonIdempotent, .retryNonIdempotent)
        replace(&self.retryBackoff, with: settings.retry?.backoffBase, .retryBackoff)
        replace(&self.budgetRatio, with: settings.retry?.budgetRatio, .budgetRatio)
        replace(&self.budgetMinPerSecond, with: settings.retry?.budgetMinPerSecond, .budgetMinPerSecond)
        replace(&self.hedging, with: settings.hedging, .hedging)
        replace(&self.rateLimits, with: settings.rateLimits, .rateLimits)
        replace(&self.fault, with: settings.fault, .fault)
        replace(&self.loadBalancing, with: settings.loadBalancing, .loadBalancing)
        replace(&self.maxConnections, with: settings.maxConnections, .maxConnections)
        replace(&self.maxPendingRequests, with: settings.maxPendingRequests, .maxPendingRequests)
        replace(&self.maxRequests, with: settings.maxRequests, .maxRequests)
        replace(&self.maxRetries, with: settings.maxRetries, .maxRetries)
        replace(&self.healthCheck, with: settings.healthCheck, .healthCheck)
        replace(&self.concurrency, with: settings.overload?.concurrency, .concurrency)
        replace(&self.admission, with: settings.overload?.admission, .admission)
        replace(&self.stickyCohort, with: settings.stickyCohort, .stickyCohort)
        var given: [TrafficSetting] = []
        settings.forwarding?.apply(to: &self.forwarding) { given.append($0) }
        settings.balancing?.apply(to: &self.balancing) { given.append($0) }
        settings.outliers?.apply(to: &self.outliers) { given.append($0) }
        for setting in given { self.sources[setting] = source?.at(line: settings.lines[setting]) }
    }

    /// Where the values that a route carries came from; defaults are left out.
    package var routeSources: [TrafficSetting: Provenance] {
        [
            .requestTimeout: self.requestTimeout.source, .perTryTimeout: self.perTryTimeout.source,
            .idleTimeout: self.idleTimeout.source, .retryAttempts: self.retryAttempts.source,
            .retryStatuses: self.retryStatuses.source, .retryGRPCStatuses: self.retryGRPCStatuses.source,
            .retryNonIdempotent: self.retryNonIdempotent.source, .retryBackoff: self.retryBackoff.source,
            .hedging: self.hedging.source, .fault: self.fault.source, .stickyCohort: self.stickyCohort.source,
        ].compactMapValues(\.self)
    }

    /// Where the values that a cluster carries came from; defaults are left out.
    package var clusterSources: [TrafficSetting: Provenance] {
        [
            .connectTimeout: self.connectTimeout.source, .budgetRatio: self.budgetRatio.source,
            .budgetMinPerSecond: self.budgetMinPerSecond.source, .loadBalancing: self.loadBalancing.source,
            .maxConnections: self.maxConnections.source, .maxPendingRequests: self.maxPendingRequests.source,
            .maxRequests: self.maxRequests.source, .maxRetries: self.maxRetries.source,
            .healthCheck: self.healthCheck.source, .admission: self.admission.source,
        ].compactMapValues(\.self).merging(self.sources.filter { !$0.key.isForwarding }) { own, _ in own }
    }

    /// Where the values that a workload's inbound side carries came from; defaults are left out.
    package var listenerSources: [TrafficSetting: Provenance] {
        [
            .rateLimits: self.rateLimits.source, .concurrency: self.concurrency.source,
            .trustDeadlines: self.trustDeadlines.source, .idleTimeout: self.idleTimeout.source,
        ].compactMapValues(\.self).merging(self.sources.filter { $0.key.isForwarding }) { own, _ in own }
    }

    /// The limits that a service's proxies keep, each with the resource that set it.
    package var limits: [RateLimit] {
        self.rateLimits.value.map { limit in
            var limit = limit
            limit.provenance = limit.provenance ?? self.rateLimits.source
            return limit
        }
    }

    /// What a hashing balancer takes the hash of; nil for any other. An Envoy looks for it in the route.
    var routeHashKey: AffinityKey? { self.loadBalancing.value.isHashing ? self.balancing.hashKey : nil }

    /// The times a route allows.
    package var timeouts: RouteTimeouts {
        RouteTimeouts(
            request: self.requestTimeout.value, perTry: self.perTryTimeout.value, idle: self.idleTimeout.value)
    }

    /// How a route retries.
    package var retry: RetryPolicy {
        var retry = RetryPolicy()
        retry.attempts = self.retryAttempts.value
        retry.statuses = self.retryStatuses.value
        retry.grpcStatuses = self.retryGRPCStatuses.value
        retry.nonIdempotent = self.retryNonIdempotent.value
        retry.backoffBase = self.retryBackoff.value
        return retry
    }
}
