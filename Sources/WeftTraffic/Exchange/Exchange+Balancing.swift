internal import WeftMessage
internal import WeftModel

extension Exchange {
    /// The backend this request goes to: the one of its session, else by its user where the route keeps users on their
    /// side, else by chance. Nil when no weight is above zero.
    mutating func chooseBackend(_ route: CompiledRoute, _ traffic: LoopTraffic, now: MonotonicInstant) -> Int? {
        if let sessions = route.session, let backend = self.resume(sessions, route, traffic, now: now) {
            return backend
        }
        guard let cohort = route.cohort else { return route.choice.pick(random: &traffic.random) }
        if let user = cohort.hash(self.head, source: self.sourceHash) { return route.cohortChoice.pick(user) }
        guard cohort.issuedCookie != nil else { return route.choice.pick(random: &traffic.random) }
        let user = traffic.random.next()
        self.issuedCohort = user
        return route.cohortChoice.pick(Self.hash(ofIssued: user))
    }

    /// The backend of the request's session, whatever its weight, provided that the session's endpoint is there and takes
    /// requests; nil begins a session.
    private mutating func resume(
        _ sessions: CompiledSession, _ route: CompiledRoute, _ traffic: LoopTraffic, now: MonotonicInstant
    ) -> Int? {
        guard let pin = sessions.pin(in: self.head, unixSeconds: traffic.unixSeconds(at: now)),
            let cluster = traffic.cluster(route.backends[pin.backend].cluster),
            cluster.balancer.takesRequests(key: pin.endpoint, random: &traffic.random, now: now)
        else { return nil }
        self.session = pin
        self.hint.sticky = pin.endpoint
        return pin.backend
    }

    /// Tells the caller which session it is in. One that stands is left as it is where another endpoint merely answered
    /// sooner; where its endpoint failed, the one that answered takes it over.
    func carrySession(_ sessions: CompiledSession, on response: inout ResponseHead, _ endpoint: UpstreamEndpoint) {
        let wasOutpaced = self.isHedge && self.earlier.last?.isLost == true
        if let pin = self.session, pin.endpoint == endpoint.key || wasOutpaced {
            return sessions.write(pin, isNew: false, to: &response.headers)
        }
        let pin = SessionPin(
            backend: self.backend, endpoint: endpoint.key,
            since: self.traffic?.unixSeconds(at: self.lastActivity) ?? 0)
        sessions.write(pin, isNew: true, to: &response.headers)
    }

    /// What balancing follows for this request, read once for all attempts.
    mutating func readHint(_ cluster: ClusterTraffic, _ traffic: LoopTraffic) {
        if let key = self.hashKey(cluster) {
            self.hint.hash = key.hash(self.head, source: self.sourceHash)
            if self.hint.hash == nil, key.issuedCookie != nil {
                let value = self.issuedCohort ?? traffic.random.next()
                self.issuedHash = value
                self.hint.hash = Self.hash(ofIssued: value)
            }
        }
        if let sticky = cluster.sticky, self.session == nil { self.hint.sticky = sticky.key(in: self.head) }
    }

    /// The cluster's policy says; else the route, where another control plane says it there.
    private func hashKey(_ cluster: ClusterTraffic) -> AffinityReader? {
        cluster.cluster.loadBalancing.isHashing ? cluster.hashKey ?? self.route?.hashKey : nil
    }

    /// Gives the caller the cookies by which it is recognised the next time.
    func issueCookies(on response: inout ResponseHead, _ cluster: ClusterTraffic, _ endpoint: UpstreamEndpoint) {
        if let sticky = cluster.sticky, self.hint.sticky != endpoint.key {
            response.headers.append(.setCookie, Cookies.field(sticky.cookie, value: endpoint.key))
        }
        if let value = self.issuedHash, let cookie = self.hashKey(cluster)?.issuedCookie {
            response.headers.append(.setCookie, Cookies.field(cookie, value: value))
        }
        guard let value = self.issuedCohort, let cookie = self.route?.cohort?.issuedCookie else { return }
        // One cookie may serve both.
        if self.issuedHash != nil, self.hashKey(cluster)?.issuedCookie?.name == cookie.name { return }
        response.headers.append(.setCookie, Cookies.field(cookie, value: value))
    }

    /// The hash that the cookie will have when it comes back.
    private static func hash(ofIssued value: UInt64) -> UInt64 { AffinityHash.of(Cookies.text(value)) }

    /// The current attempt has told something about its endpoint; nil is nothing.
    mutating func observe(_ outcome: EndpointOutcome?, now: MonotonicInstant) {
        guard let outcome, let cluster = self.cluster, let endpoint = self.endpoint, let traffic = self.traffic else {
            return
        }
        cluster.balancer.observe(
            outcome, of: endpoint, wasProbe: self.isProbe, random: &traffic.random, now: now)
        // What a probe says first decides.
        self.giveUpProbe()
    }

    /// The same for the second attempt beside the first.
    mutating func observe(
        _ outcome: EndpointOutcome?, of endpoint: UpstreamEndpoint, wasProbe: Bool, now: MonotonicInstant
    ) {
        guard let outcome, let cluster = self.cluster, let traffic = self.traffic else { return }
        cluster.balancer.observe(outcome, of: endpoint, wasProbe: wasProbe, random: &traffic.random, now: now)
    }

    /// The attempt is no longer the one that probes its endpoint.
    mutating func giveUpProbe() {
        guard self.isProbe else { return }
        self.isProbe = false
        self.endpoint?.isProbed = false
    }

    /// The gRPC status of an answered call: at its end, where a failure of a gRPC service shows.
    mutating func observe(grpcStatus: Int?, now: MonotonicInstant) {
        guard let grpcStatus, let cluster = self.cluster, let endpoint = self.endpoint else { return }
        if grpcStatus == 14 || grpcStatus == 8 { cluster.balancer.failedLate(endpoint, now: now) }
        if self.saysDeadlinePassed(grpcStatus: grpcStatus, now: now) {
            self.reason = self.deadlineReason
            self.detail = self.deadlineDetail
            if !self.isEndpointLate(now: now) { return }
        }
        self.observe(EndpointOutcome(status: 200, grpcStatus: grpcStatus, peerReason: nil), now: now)
    }

    /// A refusal while too many requests to the service fail; nil when the request may go on.
    mutating func refusalByAdmission(
        _ cluster: ClusterTraffic, _ traffic: LoopTraffic, now: MonotonicInstant
    ) -> LocalReply? {
        guard let admits = cluster.admission?.admit(random: &traffic.random, now: now) else { return nil }
        if admits {
            self.countsForAdmission = true
            return nil
        }
        self.refusedBy = .admission
        return LocalReply(
            .overload, detail: "too many requests to \(cluster.cluster.service) fail; a share of them is not tried")
    }

    /// Settles what admission control and the limit on retries keep of this request.
    mutating func settleLimits(_ cluster: ClusterTraffic, now: MonotonicInstant) {
        if self.countsForAdmission {
            self.countsForAdmission = false
            if self.reason != .clientGone {
                let success =
                    !self.wasCutShort
                    && AdmissionControl.isSuccess(status: self.status, grpcStatus: self.grpcStatus)
                cluster.admission?.record(success: success, now: now)
            }
        }
        if self.holdsRetry {
            self.holdsRetry = false
            cluster.load.stopRetry()
        }
    }
}
