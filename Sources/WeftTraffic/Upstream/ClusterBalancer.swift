package import WeftModel

/// Picks the endpoint of each attempt to one cluster, on one event loop, and decides which endpoints are in the running.
///
/// Peak EWMA compares two random endpoints by latency × (in flight + 1) / weight; an endpoint that has never answered is
/// tried by one request first. Least request compares two by (in flight + 1) / weight. Round robin and random follow the
/// weights. Ring hash and Maglev follow a hash of the request, and a sticky cookie or a session goes before any of them.
///
/// An endpoint is out of the running while it takes no connections (`Reachability`), fails (`Ejection`) or is found unwell
/// by health checks, and for a second after a limit of ours left no room at it. What is left is put into groups by zone
/// (`ZonePlan`), anew whenever that changes; a pick then looks at few endpoints and allocates nothing.
package struct ClusterBalancer {
    package var algorithm: LoadBalancing {
        didSet {
            guard self.algorithm != oldValue else { return }
            self.table = nil
            self.isStale = true
        }
    }
    package var options = BalancingOptions() {
        didSet {
            guard self.options != oldValue else { return }
            self.isStale = true
        }
    }
    package var outliers = OutlierPolicy() { didSet { if self.outliers != oldValue { self.isStale = true } } }
    /// Where the caller is. Nothing is near or far for one that does not say.
    package var home = Locality() { didSet { if self.home != oldValue { self.isStale = true } } }
    /// In the order of the last update.
    package internal(set) var endpoints: [UpstreamEndpoint] = []
    /// What operators want to hear, oldest first; the driver takes it. Grows with changes, not with requests.
    package internal(set) var events: [BalancerEvent] = []

    /// Where hashes lead; made at the first hash where the driver gave none.
    var table: HashTable?
    /// Places by the number that sticky cookies and sessions carry; made when the first asks, anew after an update.
    var placesByKey: [UInt64: Int]?
    var groups: [EligibleGroup] = []
    /// Whether some endpoint has less than its weight for now.
    var isRamping = false
    /// Places of endpoints that wait for a probe, or are being probed.
    var due: [Int] = []
    var isPanicking = false
    /// Why the last pick was what it was, how many were in the running, and some of those that were not, as of the last look.
    var pickedBy = PickCause.onlyOne
    private(set) var servingCount = 0
    private(set) var absent: [AbsentEndpoint] = []
    /// How many absent endpoints are kept by name.
    private static let maxAbsent = 4
    /// The groups are not true any more.
    var isStale = true
    /// When they cease to be.
    var staleAt = MonotonicInstant.never
    var nextComparison = MonotonicInstant(nanoseconds: .min)
    /// How long an endpoint at which there was no room is avoided, in nanoseconds.
    private static let avoidsFull: Int64 = 1_000_000_000
    /// Whether endpoints have been known before: those of the first set have nothing to ramp up against.
    private var hasStarted = false

    package init(algorithm: LoadBalancing = .peakEWMA) { self.algorithm = algorithm }

    /// Takes a new set of endpoints; those that stay keep what was learned about them. Returns those that left.
    ///
    /// - Parameter table: where hashes lead among them, if that is known already.
    @discardableResult
    package mutating func update(_ update: ClusterEndpoints, table: HashTable? = nil) -> [UpstreamEndpoint] {
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
                let joined = UpstreamEndpoint(endpoint)
                joined.rampsSince = self.hasStarted ? .never : nil
                next.append(joined)
            }
        }
        self.endpoints = next
        self.hasStarted = self.hasStarted || !next.isEmpty
        self.table = table
        self.isStale = true
        self.placesByKey = nil
        return known.values.flatMap(\.self)
    }

    /// What operators want to hear since this was asked last.
    package mutating func takeEvents() -> [BalancerEvent] {
        defer { self.events.removeAll() }
        return self.events
    }

    /// How many endpoints are out because they failed.
    package var ejectedCount: Int { self.endpoints.count { $0.ejection.isEjected } }

    /// How many endpoints are out because health checks failed.
    package var unhealthyCount: Int { self.endpoints.count { !$0.isHealthy } }

    /// Whether too few are eligible for ejections and health checks to count, as of the last pick.
    package var ignoresEjections: Bool { self.isPanicking }

    // MARK: What becomes of attempts

    /// An attempt to `endpoint` begins. Whether it is the one that probes whether the endpoint is well again.
    @discardableResult
    package func started(_ endpoint: UpstreamEndpoint) -> Bool {
        endpoint.inFlight += 1
        guard endpoint.standing == .due, !endpoint.isProbed else { return false }
        endpoint.isProbed = true
        return true
    }

    /// The response head of an attempt came after `latency`; `failed` when it says that the endpoint could not serve.
    package mutating func answered(_ endpoint: UpstreamEndpoint, latency: Int64, failed: Bool, now: MonotonicInstant) {
        endpoint.latency.observe(failed && self.options.penalizesFailures ? PeakEWMA.failure : latency, now: now)
        if endpoint.reachability.isSuspect {
            endpoint.reachability.answered()
            self.isStale = true
        }
    }

    /// An attempt got no response head: `waited` is how long it took to know. Also a connection that failed with nobody
    /// waiting for it any more.
    package mutating func failed(
        _ endpoint: UpstreamEndpoint, _ failure: UpstreamFailure, waited: Int64, now: MonotonicInstant
    ) {
        if failure.isConnectFailure {
            endpoint.reachability.connectFailed(now: now)
            self.isStale = true
        } else if failure == .overflow {
            // Those that began before this one was known are the same news.
            guard endpoint.hasRoom(now: now) else { return }
            endpoint.fullUntil = now.advanced(byNanoseconds: Self.avoidsFull)
            self.isStale = true
        } else {
            // One that hangs must not look fast because it never answers.
            endpoint.latency.observe(self.options.penalizesFailures ? PeakEWMA.failure : waited, now: now)
        }
    }

    /// The trailers of an answered attempt said that the endpoint could not serve.
    package func failedLate(_ endpoint: UpstreamEndpoint, now: MonotonicInstant) {
        if self.options.penalizesFailures { endpoint.latency.observe(PeakEWMA.failure, now: now) }
    }

    /// An attempt was given up after `waited` because another answered first: slow, but no failure.
    package mutating func outpaced(_ endpoint: UpstreamEndpoint, waited: Int64, now: MonotonicInstant) {
        endpoint.latency.observe(waited, now: now)
    }

    /// The attempt is over, whatever came of it. Exactly once for each `started`, with what that answered.
    package func finished(_ endpoint: UpstreamEndpoint, wasProbe: Bool = false) {
        endpoint.inFlight -= 1
        // If it told nothing, another request probes.
        if wasProbe { endpoint.isProbed = false }
    }

    // MARK: Who is in the running

    /// Looks at every endpoint and puts those in the running into groups.
    mutating func look(random: inout some RandomNumberGenerator, now: MonotonicInstant) {
        self.isStale = false
        self.staleAt = .never
        self.due.removeAll(keepingCapacity: true)
        var serving = 0
        for endpoint in self.endpoints {
            endpoint.standing = self.standing(of: endpoint, now: now)
            if endpoint.standing == .serving || endpoint.standing == .full { serving += 1 }
        }
        self.considerPanic(serving: serving)
        if self.isPanicking {
            for endpoint in self.endpoints where endpoint.standing == .out && !endpoint.reachability.isSuspect {
                endpoint.standing = .serving
            }
        }
        if !self.endpoints.contains(where: { $0.standing == .serving }) { self.makeDo() }
        self.isRamping = false
        for (place, endpoint) in self.endpoints.enumerated() {
            if endpoint.standing == .due { self.due.append(place) }
            self.ramp(endpoint, now: now)
        }
        self.regroup(random: &random)
        self.noteAbsent()
    }

    /// Takes down who is in the running, for the records of requests.
    private mutating func noteAbsent() {
        self.servingCount = 0
        if !self.absent.isEmpty { self.absent.removeAll() }
        for endpoint in self.endpoints {
            if endpoint.standing == .serving { self.servingCount += 1 }
            guard endpoint.standing != .serving || endpoint.ejection.isEjected || !endpoint.isHealthy,
                self.absent.count < Self.maxAbsent
            else { continue }
            let cause: AbsentEndpoint.Cause =
                !endpoint.isHealthy
                ? .unhealthy
                : endpoint.ejection.isEjected ? .ejected : endpoint.standing == .full ? .full : .unreachable
            self.absent.append(AbsentEndpoint(workload: endpoint.endpoint.workload, cause: cause))
        }
    }

    /// How the endpoint just picked was picked.
    func describePick(of endpoint: UpstreamEndpoint) -> AttemptPick {
        var pick = AttemptPick()
        pick.cause = self.pickedBy
        pick.known = self.endpoints.count
        pick.serving = self.servingCount
        pick.isPanic = self.isPanicking
        if self.isRamping { pick.rampPercent = Int(endpoint.ramp * 100) }
        if !self.absent.isEmpty { pick.absent = self.absent }
        return pick
    }

    /// Nobody well has room, or nobody is well: then whoever takes connections is as good as anybody. Those whose time has
    /// come are still probed, one request each, or they would never be taken back.
    private func makeDo() {
        var isAnyoneLeft = false
        for endpoint in self.endpoints where endpoint.standing == .full {
            endpoint.standing = .serving
            isAnyoneLeft = true
        }
        if isAnyoneLeft { return }
        for endpoint in self.endpoints {
            if endpoint.standing == .out, !endpoint.reachability.isSuspect { endpoint.standing = .serving }
            if endpoint.standing != .out { isAnyoneLeft = true }
        }
        if !isAnyoneLeft { for endpoint in self.endpoints { endpoint.standing = .serving } }
    }

    private mutating func standing(
        of endpoint: UpstreamEndpoint, now: MonotonicInstant
    ) -> UpstreamEndpoint.Standing {
        var standing = UpstreamEndpoint.Standing.serving
        func wait(until moment: MonotonicInstant) {
            if now < moment {
                standing = .out
                self.staleAt = min(self.staleAt, moment)
            } else if standing == .serving {
                standing = .due
            }
        }
        if endpoint.reachability.isSuspect { wait(until: endpoint.reachability.avoidUntil) }
        if endpoint.ejection.isEjected { wait(until: endpoint.ejection.until) }
        if !endpoint.isHealthy { return .out }
        guard standing == .serving, !endpoint.hasRoom(now: now) else { return standing }
        self.staleAt = min(self.staleAt, endpoint.fullUntil)
        return .full
    }

    private mutating func considerPanic(serving: Int) {
        let count = self.endpoints.count
        let held = self.endpoints.contains { $0.ejection.isEjected || !$0.isHealthy }
        let panics = held && serving * 100 < self.options.panicThreshold * count
        guard panics != self.isPanicking else { return }
        self.isPanicking = panics
        self.note(panics ? .panicBegan(eligible: serving, of: count) : .panicEnded)
    }

    /// From 10 % of the weight to all of it, in a straight line. Source: Envoy's slow start with its defaults.
    private mutating func ramp(_ endpoint: UpstreamEndpoint, now: MonotonicInstant) {
        endpoint.ramp = 1
        guard endpoint.standing == .serving, endpoint.rampsSince != nil else { return }
        let span = self.options.slowStart.wholeNanoseconds
        guard span > 0 else {
            endpoint.rampsSince = nil
            return
        }
        let since = endpoint.rampsSince == .never ? now : endpoint.rampsSince ?? now
        endpoint.rampsSince = since
        let passed = now.nanoseconds - since.nanoseconds
        guard passed < span else {
            endpoint.rampsSince = nil
            return
        }
        endpoint.ramp = max(0.1, Double(passed) / Double(span))
        self.isRamping = true
        self.staleAt = min(self.staleAt, now.advanced(byNanoseconds: max(10_000_000, span / 100)))
    }

    private mutating func regroup(random: inout some RandomNumberGenerator) {
        let members = self.endpoints.map {
            ZonePlan.Member(
                locality: $0.endpoint.locality, weight: $0.weight, isEligible: $0.standing == .serving)
        }
        let plan = ZonePlan(members, home: self.home, options: self.options)
        // Two random choices know how to take the ramp into account themselves.
        let weighsRamp = self.algorithm == .roundRobin || self.algorithm == .random
        var sum = 0.0
        self.groups = plan.parts.map { part in
            sum += part.share
            return EligibleGroup(
                upperShare: sum, places: part.places,
                weights: part.places.map { self.endpoints[$0].weight * (weighsRamp ? self.endpoints[$0].ramp : 1) },
                ordered: self.algorithm == .roundRobin, random: &random)
        }
    }

    mutating func note(_ event: BalancerEvent) {
        // Should nobody listen, it must not grow.
        if self.events.count < 1_024 { self.events.append(event) }
    }
}
