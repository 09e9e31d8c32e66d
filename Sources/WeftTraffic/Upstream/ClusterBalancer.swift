package import WeftModel

/// Picks the endpoint of each attempt to one cluster, on one event loop.
///
/// Peak EWMA compares two random endpoints by latency × (in flight + 1) / weight; an endpoint that has never answered is
/// tried by one request first. Least request compares two by (in flight + 1) / weight. Round robin is smooth and weighted;
/// random is weighted. Endpoints that take no connections are passed over while others are left.
package struct ClusterBalancer {
    package var algorithm: LoadBalancing
    /// Whether failed responses count as 5 s of latency. Off by default.
    package var penalizesFailures = false
    /// In the order of the last update.
    package private(set) var endpoints: [UpstreamEndpoint] = []

    /// Smooth round robin's running totals, by position in `endpoints`.
    private var credits: [Int] = []
    private var totalWeight = 0
    private var suspects = 0

    package init(algorithm: LoadBalancing = .peakEWMA) { self.algorithm = algorithm }

    /// Takes a new set of endpoints; those that stay keep what was learned about them. Returns those that left.
    @discardableResult
    package mutating func update(_ update: ClusterEndpoints) -> [UpstreamEndpoint] {
        var known: [String: [UpstreamEndpoint]] = [:]
        for endpoint in self.endpoints { known[endpoint.endpoint.workload, default: []].append(endpoint) }
        var next: [UpstreamEndpoint] = []
        next.reserveCapacity(update.endpoints.count)
        for endpoint in update.endpoints {
            let candidates = known[endpoint.workload] ?? []
            if let place = candidates.firstIndex(where: { $0.stays(as: endpoint) }) {
                let stayed = candidates[place]
                known[endpoint.workload]?.remove(at: place)
                stayed.endpoint = endpoint
                next.append(stayed)
            } else {
                next.append(UpstreamEndpoint(endpoint))
            }
        }
        self.endpoints = next
        self.credits = Array(repeating: 0, count: next.count)
        self.totalWeight = next.reduce(0) { $0 + max(1, $1.endpoint.weight) }
        self.suspects = next.count { $0.reachability.isSuspect }
        return known.values.flatMap(\.self)
    }

    /// The endpoint for an attempt, outside `excluding` while another is left; nil when the cluster has none.
    package mutating func pick(
        excluding tried: [UpstreamEndpoint] = [], random: inout some RandomNumberGenerator, now: MonotonicInstant
    ) -> UpstreamEndpoint? {
        let count = self.endpoints.count
        if count <= 1 { return self.endpoints.first }
        if tried.isEmpty, self.suspects == 0 { return self.pickAmongAll(random: &random, now: now) }
        // The slow way: list who is eligible, best condition first.
        var eligible = (0..<count).filter { place in
            let endpoint = self.endpoints[place]
            return endpoint.reachability.allows(inFlight: endpoint.inFlight, now: now)
                && !tried.contains { $0 === endpoint }
        }
        if eligible.isEmpty {
            eligible = (0..<count).filter { place in !tried.contains { $0 === self.endpoints[place] } }
        }
        if eligible.isEmpty { eligible = Array(0..<count) }
        return self.pick(among: eligible, random: &random, now: now)
    }

    /// An attempt to `endpoint` begins.
    package func started(_ endpoint: UpstreamEndpoint) { endpoint.inFlight += 1 }

    /// The response head of an attempt came after `latency`; `failed` when it says that the endpoint could not serve.
    package mutating func answered(_ endpoint: UpstreamEndpoint, latency: Int64, failed: Bool, now: MonotonicInstant) {
        endpoint.latency.observe(failed && self.penalizesFailures ? PeakEWMA.failure : latency, now: now)
        if endpoint.reachability.isSuspect {
            endpoint.reachability.answered()
            self.countSuspects()
        }
    }

    /// An attempt got no response head: `waited` is how long it took to know.
    package mutating func failed(
        _ endpoint: UpstreamEndpoint, _ failure: UpstreamFailure, waited: Int64, now: MonotonicInstant
    ) {
        if failure.isConnectFailure {
            endpoint.reachability.connectFailed(now: now)
            self.countSuspects()
        } else if failure != .overflow {
            // One that hangs must not look fast because it never answers.
            endpoint.latency.observe(self.penalizesFailures ? PeakEWMA.failure : waited, now: now)
        }
    }

    /// The attempt is over, whatever came of it. Exactly once for each `started`.
    package func finished(_ endpoint: UpstreamEndpoint) { endpoint.inFlight -= 1 }

    private mutating func countSuspects() { self.suspects = self.endpoints.count { $0.reachability.isSuspect } }

    // MARK: Algorithms

    private mutating func pickAmongAll(
        random: inout some RandomNumberGenerator, now: MonotonicInstant
    )
        -> UpstreamEndpoint
    {
        let count = self.endpoints.count
        switch self.algorithm {
        case .peakEWMA, .leastRequest:
            let first = random.index(below: count)
            var second = random.index(below: count - 1)
            if second >= first { second += 1 }
            return self.cheaper(first, second, now: now)
        case .random:
            var ticket = random.index(below: self.totalWeight)
            for endpoint in self.endpoints {
                ticket -= max(1, endpoint.endpoint.weight)
                if ticket < 0 { return endpoint }
            }
            return self.endpoints[count - 1]
        case .roundRobin:
            return self.endpoints[self.nextInTurn(among: 0..<count)]
        }
    }

    private mutating func pick(
        among eligible: [Int], random: inout some RandomNumberGenerator, now: MonotonicInstant
    )
        -> UpstreamEndpoint
    {
        if eligible.count == 1 { return self.endpoints[eligible[0]] }
        switch self.algorithm {
        case .peakEWMA, .leastRequest:
            let first = random.index(below: eligible.count)
            var second = random.index(below: eligible.count - 1)
            if second >= first { second += 1 }
            return self.cheaper(eligible[first], eligible[second], now: now)
        case .random:
            let total = eligible.reduce(0) { $0 + max(1, self.endpoints[$1].endpoint.weight) }
            var ticket = random.index(below: total)
            for place in eligible {
                ticket -= max(1, self.endpoints[place].endpoint.weight)
                if ticket < 0 { return self.endpoints[place] }
            }
            return self.endpoints[eligible[0]]
        case .roundRobin:
            return self.endpoints[self.nextInTurn(among: eligible)]
        }
    }

    private func cheaper(_ first: Int, _ second: Int, now: MonotonicInstant) -> UpstreamEndpoint {
        let left = self.endpoints[first]
        let right = self.endpoints[second]
        return self.cost(left, now: now) <= self.cost(right, now: now) ? left : right
    }

    private func cost(_ endpoint: UpstreamEndpoint, now: MonotonicInstant) -> Double {
        let load = Double(endpoint.inFlight + 1) / Double(max(1, endpoint.endpoint.weight))
        if self.algorithm == .leastRequest { return load }
        if endpoint.latency.isFresh && endpoint.inFlight == 0 { return 0 }
        return endpoint.latency.estimate(now: now) * load
    }

    /// Smooth weighted round robin: each gains its weight, the richest is taken and pays what all gained.
    private mutating func nextInTurn(among places: some Sequence<Int>) -> Int {
        var best = 0
        var bestCredit = Int.min
        var gained = 0
        for place in places {
            let weight = max(1, self.endpoints[place].endpoint.weight)
            self.credits[place] += weight
            gained += weight
            if self.credits[place] > bestCredit {
                bestCredit = self.credits[place]
                best = place
            }
        }
        self.credits[best] -= gained
        return best
    }
}
