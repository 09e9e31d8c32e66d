internal import WeftModel

extension ClusterBalancer {
    /// An attempt told something about its endpoint. May eject it, or take it back.
    ///
    /// - Parameter wasProbe: what `started` answered for the attempt.
    package mutating func observe(
        _ outcome: EndpointOutcome, of endpoint: UpstreamEndpoint, wasProbe: Bool = false,
        random: inout some RandomNumberGenerator, now: MonotonicInstant
    ) {
        guard self.outliers.isEnabled else {
            if endpoint.ejection.isEjected { self.readmit(endpoint, now: now) }
            return
        }
        if endpoint.ejection.isEjected {
            // Attempts that began before the ejection are the same news; in panic none is a probe.
            guard wasProbe, now >= endpoint.ejection.until else { return }
            if outcome == .failure {
                self.eject(endpoint, .probe, random: &random, now: now)
            } else {
                self.readmit(endpoint, now: now)
            }
            return
        }
        endpoint.window.observe(failed: outcome != .success, inARow: outcome == .failure, now: now)
        if outcome != .success { self.judge(endpoint, random: &random, now: now) }
        if self.outliers.cohort != nil, now >= self.nextComparison { self.compare(random: &random, now: now) }
    }

    /// Health checks have come to a judgement.
    package mutating func setHealth(of endpoint: UpstreamEndpoint, isHealthy: Bool) {
        guard endpoint.isHealthy != isHealthy else { return }
        endpoint.isHealthy = isHealthy
        if isHealthy { endpoint.rampsSince = .never }
        self.isStale = true
        self.note(isHealthy ? .becameHealthy(endpoint.endpoint) : .becameUnhealthy(endpoint.endpoint))
    }

    // MARK: Trips

    private mutating func judge(
        _ endpoint: UpstreamEndpoint, random: inout some RandomNumberGenerator, now: MonotonicInstant
    ) {
        let policy = self.outliers
        if policy.consecutiveFailures > 0, endpoint.window.consecutiveFailures >= policy.consecutiveFailures {
            self.tryEjecting(endpoint, .consecutiveFailures, random: &random, now: now)
        } else if endpoint.window.requests >= policy.minRequests, endpoint.window.successRate < policy.successRate {
            self.tryEjecting(endpoint, .successRate, random: &random, now: now)
        }
    }

    /// Holds endpoints against each other, every 10 s.
    private mutating func compare(random: inout some RandomNumberGenerator, now: MonotonicInstant) {
        guard let cohort = self.outliers.cohort else { return }
        self.nextComparison = now.advanced(byNanoseconds: 10_000_000_000)
        var rates: [(endpoint: UpstreamEndpoint, rate: Double)] = []
        for endpoint in self.endpoints where !endpoint.ejection.isEjected {
            endpoint.window.advance(to: now)
            guard endpoint.window.requests >= cohort.minRequests else { continue }
            rates.append((endpoint, endpoint.window.successRate))
        }
        guard rates.count >= max(2, cohort.minEndpoints) else { return }
        let mean = rates.reduce(0) { $0 + $1.rate } / Double(rates.count)
        let variance = rates.reduce(0) { $0 + ($1.rate - mean) * ($1.rate - mean) } / Double(rates.count)
        let threshold = mean - cohort.deviations * variance.squareRoot()
        for (endpoint, rate) in rates where rate < threshold {
            self.tryEjecting(endpoint, .cohort, random: &random, now: now)
        }
    }

    /// Ejects within the cap, and never the last one that is well.
    private mutating func tryEjecting(
        _ endpoint: UpstreamEndpoint, _ trip: BalancerEvent.Trip, random: inout some RandomNumberGenerator,
        now: MonotonicInstant
    ) {
        let count = self.endpoints.count
        let percent = self.outliers.maxEjectionPercent
        let cap = percent == 0 ? 0 : max(1, count * percent / 100)
        var others = 0
        var ejected = 0
        for other in self.endpoints {
            if other.ejection.isEjected { ejected += 1 } else if other !== endpoint, other.isHealthy { others += 1 }
        }
        // One that has left the cluster is nobody's concern.
        guard ejected < cap, others > 0, self.endpoints.contains(where: { $0 === endpoint }) else { return }
        self.eject(endpoint, trip, random: &random, now: now)
    }

    private mutating func eject(
        _ endpoint: UpstreamEndpoint, _ trip: BalancerEvent.Trip, random: inout some RandomNumberGenerator,
        now: MonotonicInstant
    ) {
        let span = endpoint.ejection.eject(self.outliers, random: &random, now: now)
        endpoint.window.clear()
        self.isStale = true
        self.note(.ejected(endpoint.endpoint, trip, for: .nanoseconds(span)))
    }

    private mutating func readmit(_ endpoint: UpstreamEndpoint, now: MonotonicInstant) {
        endpoint.ejection.readmit(now: now)
        endpoint.window.clear()
        endpoint.rampsSince = .never
        self.isStale = true
        self.note(.readmitted(endpoint.endpoint))
    }
}
