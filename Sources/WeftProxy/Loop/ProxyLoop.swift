internal import Collections
internal import FoundationEssentials
internal import Logging
internal import NIOCore
internal import NIOSSL
internal import WeftHTTP
internal import WeftIdentity
internal import WeftModel
internal import WeftTraffic

/// Everything one event loop owns: the snapshot in force, pools, balancers, budgets, timers, counters, and the objects
/// that requests are made of. Touched on its loop only, hence without locks.
final class ProxyLoop {
    let eventLoop: any EventLoop
    let configuration: ProxyConfiguration
    let logger: Logger
    let traffic: LoopTraffic
    let telemetry: LoopTelemetry
    let downstreamLimits: HTTPLimits
    /// Of HTTP/1.1 connections: let go early, since the other side closes unused ones when it likes.
    let upstreamLimits: HTTPLimits
    /// Of HTTP/2 connections, whose end is announced.
    let peerLimits: HTTPLimits
    /// How TLS is spoken to destinations outside the mesh.
    let originations: OriginationContexts
    /// Shared by all loops.
    let rateLimits: RateLimitBook
    private let source: any ConfigurationSource
    /// What names outside the mesh stand for, by name; those that the snapshot needs.
    private var names: [String: NameAnswer] = [:]

    private(set) var snapshot = ProxySnapshot.empty
    private(set) var security: TransportSecurity?
    /// Set once the sidecar is stopping: responses say that their connection ends.
    private(set) var isDraining = false

    var destinations: DestinationCache
    /// What ports have turned out to speak, by service or application port.
    private(set) var learnedProtocols: [String: LearnedProtocol] = [:]
    /// Requests that wait for a name, by the name.
    private var parked: [String: ParkedName] = [:]
    private var parkedCount = 0
    private var connections: [ObjectIdentifier: DownstreamConnection] = [:]
    /// Connections to endpoints that proved an identity.
    var provedUpstreams: [ObjectIdentifier: UpstreamConnection] = [:]
    private var applications: [Int: ApplicationEndpoint] = [:]
    var plaintextCallers = PlaintextCallers()
    private var wheel: TimerWheel
    private var wheelTask: Scheduled<Void>?
    private var wheelDue = Int64.max

    /// Requests by their timer tokens; all that were ever made.
    private var requests: [RelayedRequest] = []
    /// Asks endpoints about their health; on one of the proxy's loops.
    var checker: EndpointChecker?
    private var freeOutbound: [OutboundRequest] = []
    private var freeInbound: [InboundRequest] = []
    /// Bounds what peers can make this loop say.
    var notes = NoteLimiter()
    private var freeMirrored: [MirroredRequest] = []
    private var mirrorsInFlight = 0
    private(set) var requestsInFlight = 0

    /// Grows to what a connection sends, and stays small for connections that send little: each keeps the buffer of its
    /// last read, however long it is idle.
    static let receiveAllocator = AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 1024, maximum: 131_072)

    init(
        eventLoop: any EventLoop, configuration: ProxyConfiguration, source: any ConfigurationSource, logger: Logger,
        loops: Int, seed: UInt64, telemetry: LoopTelemetry, originations: OriginationContexts,
        rateLimits: RateLimitBook = RateLimitBook()
    ) {
        self.originations = originations
        self.rateLimits = rateLimits
        self.eventLoop = eventLoop
        self.configuration = configuration
        self.source = source
        self.logger = logger
        self.telemetry = telemetry
        self.traffic = LoopTraffic(loops: loops, seed: seed)
        self.traffic.home = configuration.locality
        self.destinations = DestinationCache(
            namespace: configuration.service.namespace, limit: configuration.limits.maxNames)
        self.wheel = TimerWheel(now: Self.clock())
        var limits = HTTPLimits()
        limits.maxHeaderBytes = configuration.limits.maxHeaderBytes
        limits.maxFields = configuration.limits.maxFields
        limits.maxStreams = configuration.limits.maxStreamsPerConnection
        limits.idleTimeout = .nanoseconds(configuration.limits.downstreamIdleTimeout.wholeNanoseconds)
        self.downstreamLimits = limits
        limits.idleTimeout = .nanoseconds(configuration.limits.upstreamIdleTimeout.wholeNanoseconds)
        self.upstreamLimits = limits
        limits.idleTimeout = .minutes(5)
        self.peerLimits = limits
    }

    /// The workload's own SPIFFE ID; nil before it has one.
    var ownIdentity: SPIFFEID? { self.security?.identity.id }

    // MARK: Time

    static func clock() -> Int64 { Int64(truncatingIfNeeded: NIODeadline.now().uptimeNanoseconds) }

    var now: MonotonicInstant { MonotonicInstant(nanoseconds: Self.clock()) }

    /// Tells the exchanges what the wall clock shows: for dates, and for the ends of faults.
    func readClock(now: MonotonicInstant) {
        self.traffic.setClock(unixNanoseconds: Int64(Date().timeIntervalSince1970 * 1e9), now: now)
    }

    /// Sets a timer of the request with this token.
    func setTimer(_ token: UInt32, at instant: Int64) -> TimerWheel.Handle {
        let handle = self.wheel.set(token, at: instant)
        if instant < self.wheelDue { self.armWheel() }
        return handle
    }

    func cancelTimer(_ handle: TimerWheel.Handle) { self.wheel.cancel(handle) }

    private func armWheel() {
        let due = self.wheel.nextCheck ?? .max
        guard due < self.wheelDue else { return }
        self.wheelTask?.cancel()
        self.wheelDue = due
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        self.wheelTask = self.eventLoop.scheduleTask(
            deadline: .uptimeNanoseconds(UInt64(max(0, min(due, .max - 1))))
        ) { bound.value.turnWheel() }
    }

    private func turnWheel() {
        self.wheelTask = nil
        self.wheelDue = .max
        while let token = self.wheel.popDue(now: Self.clock()) { self.requests[Int(token)].timerIsDue() }
        self.armWheel()
    }

    // MARK: Configuration

    /// Puts a snapshot in force. Requests under way keep theirs.
    func install(_ snapshot: ProxySnapshot) {
        let old = self.snapshot
        guard old !== snapshot else { return }
        self.snapshot = snapshot
        self.telemetry.records.configurationChanged()
        for (name, cluster) in snapshot.clusters where old.clusters[name] != cluster {
            self.refit(poolsOf: self.traffic.install(cluster))
        }
        for (name, endpoints) in snapshot.endpoints
        where snapshot.clusters[name]?.resolution == nil
            && (old.endpoints[name] != endpoints || old.clusters[name] == nil
                || old.hashTable(of: name) !== snapshot.hashTable(of: name))
        {
            for endpoint in self.traffic.install(endpoints, table: snapshot.hashTable(of: name)) {
                self.retirePool(of: endpoint)
            }
        }
        for name in old.clusters.keys where snapshot.clusters[name] == nil {
            for endpoint in self.traffic.remove(cluster: name) { self.retirePool(of: endpoint) }
        }
        self.checker?.update()
        let needed = Set(snapshot.clusters.values.compactMap(\.resolution?.host))
        self.names = self.names.filter { needed.contains($0.key) }
        for cluster in snapshot.clusters.values where old.clusters[cluster.name] != cluster { self.resolve(cluster) }
        for port in Array(self.applications.keys) {
            let before = self.applications[port]
            let (authorization, demandedTLS) = (before?.authorization, before?.demandsMutualTLS ?? false)
            let application = self.application(port: port)
            let isStricter = application.demandsMutualTLS && !demandedTLS
            if isStricter { self.demandMutualTLS(port: port) }
            if isStricter || application.authorization !== authorization { self.judgeAgain(port: port) }
        }
        self.destinations.removeAll()
        self.resumeParked()
    }

    /// Takes what names outside the mesh now stand for.
    func install(_ names: [String: NameAnswer]) {
        self.names.merge(names) { _, new in new }
        for cluster in self.snapshot.clusters.values {
            if let host = cluster.resolution?.host, names[host] != nil { self.resolve(cluster) }
        }
        self.resumeParked()
    }

    /// Gives a cluster the endpoints that its name stands for.
    private func resolve(_ cluster: Cluster) {
        guard let resolution = cluster.resolution, let answer = self.names[resolution.host] else { return }
        let endpoints = answer.addresses.map {
            Endpoint(workload: "\(resolution.host)/\($0)", address: $0, port: resolution.port)
        }
        self.traffic.cluster(cluster.name)?.resolutionFailure = answer.failure
        for endpoint in self.traffic.install(ClusterEndpoints(cluster: cluster.name, endpoints: endpoints)) {
            self.retirePool(of: endpoint)
        }
    }

    /// Whether a listener's routes lead to a name that is still being looked up for the first time.
    func awaitsNames(_ listener: String) -> Bool {
        self.snapshot.hosts(ofListener: listener).contains { self.names[$0] == nil }
    }

    private func resumeParked() {
        for (name, parked) in self.parked {
            let destination = Destination.named(name, in: self.snapshot)
            if case .unknown = destination.meaning { continue }
            if self.awaitsNames(name) { continue }
            self.parked[name] = nil
            self.parkedCount -= parked.requests.count
            for request in parked.requests { request.resume(destination) }
        }
    }

    /// Uses another identity for new connections, and ends those to whom it believes no more.
    func install(_ security: TransportSecurity) {
        self.security = security
        self.telemetry.install(principal: security.identity.id.description)
        self.endRefusedPeers(by: security)
    }

    func retirePool(of endpoint: UpstreamEndpoint) {
        guard let pool = endpoint.attachment as? EndpointPool else { return }
        endpoint.attachment = nil
        pool.retire()
    }

    // MARK: Names

    /// Waits for a name to become known; false when too many wait already.
    func park(_ request: OutboundRequest, for name: String) -> Bool {
        guard self.parkedCount < self.configuration.limits.maxParkedRequests else { return false }
        // Said each time: under many names, one that was mentioned before may have been given up.
        self.source.want(listener: name)
        self.parked[name, default: ParkedName()].requests.append(request)
        self.parkedCount += 1
        return true
    }

    /// A request no longer waits.
    func unpark(_ request: OutboundRequest, for name: String) {
        guard let index = self.parked[name]?.requests.firstIndex(where: { $0 === request }) else { return }
        self.parked[name]?.requests.remove(at: index)
        self.parkedCount -= 1
        // Who asks next asks anew: the name may have been given up in the meantime.
        if self.parked[name]?.requests.isEmpty == true { self.parked[name] = nil }
    }

    private struct ParkedName {
        var requests: [OutboundRequest] = []
    }

    // MARK: Applications

    /// The application behind one of its ports, as the snapshot in force has it.
    func application(port: Int) -> ApplicationEndpoint {
        if let known = self.applications[port] {
            if known.isCurrent(in: self) {
                known.update(in: self)
                return known
            }
            known.pool.retire()
        }
        let application = ApplicationEndpoint(port: port, loop: self, continuing: self.applications[port])
        self.applications[port] = application
        return application
    }

    /// Connections to a port in the clear take no more requests.
    private func demandMutualTLS(port: Int) {
        for connection in Array(self.connections.values) {
            if case .inbound(port) = connection.role { connection.demandMutualTLS() }
        }
    }

    /// Who may call a port has changed: what is open was let in by the policies before.
    private func judgeAgain(port: Int) {
        for request in self.requests { (request as? InboundRequest)?.judgeAgain(port: port) }
    }

    /// No configuration has come yet, and one will: nobody knows who may call.
    var awaitsConfiguration: Bool {
        guard self.snapshot === ProxySnapshot.empty, case .controlPlane = self.configuration.source else {
            return false
        }
        return true
    }

    /// Those that have been asked for.
    var openApplications: Dictionary<Int, ApplicationEndpoint>.Values { self.applications.values }

    /// The same for a request: settings are looked at when a snapshot is installed, not each time.
    func applicationInForce(port: Int) -> ApplicationEndpoint {
        self.applications[port] ?? self.application(port: port)
    }

    // MARK: Requests

    func outboundRequest(
        _ stream: any ServerStream, on connection: DownstreamConnection, fixed: String?
    ) -> any ServerStreamReceiver {
        let request: OutboundRequest
        if let free = self.freeOutbound.popLast() {
            request = free
        } else {
            request = OutboundRequest(loop: self, token: UInt32(truncatingIfNeeded: self.requests.count))
            self.requests.append(request)
        }
        self.requestsInFlight += 1
        request.accept(stream, on: connection, fixed: fixed)
        return request
    }

    func inboundRequest(
        _ stream: any ServerStream, on connection: DownstreamConnection, appPort: Int
    ) -> any ServerStreamReceiver {
        let request: InboundRequest
        if let free = self.freeInbound.popLast() {
            request = free
        } else {
            request = InboundRequest(loop: self, token: UInt32(truncatingIfNeeded: self.requests.count))
            self.requests.append(request)
        }
        self.requestsInFlight += 1
        request.accept(stream, on: connection, appPort: appPort)
        return request
    }

    /// For a copy of a request; nil when enough are under way.
    func mirroredRequest() -> MirroredRequest? {
        guard self.mirrorsInFlight < self.configuration.limits.maxMirrors else {
            self.telemetry.mirrored(to: "unknown", reason: .overflow)
            return nil
        }
        self.mirrorsInFlight += 1
        if let free = self.freeMirrored.popLast() { return free }
        let request = MirroredRequest(loop: self, token: UInt32(truncatingIfNeeded: self.requests.count))
        self.requests.append(request)
        return request
    }

    func release(_ request: MirroredRequest) {
        self.mirrorsInFlight -= 1
        self.freeMirrored.append(request)
    }

    func release(_ request: OutboundRequest) {
        self.requestsInFlight -= 1
        self.freeOutbound.append(request)
    }

    func release(_ request: InboundRequest) {
        self.requestsInFlight -= 1
        self.freeInbound.append(request)
    }

    // MARK: Downstream connections

    /// Takes a new connection: the handlers that its role asks for.
    func accept(_ channel: any Channel, for role: ListenerRole) throws {
        guard self.connections.count < self.configuration.limits.maxConnections else {
            self.telemetry.connectionRefused()
            throw ChannelError.operationUnsupported
        }
        let pipeline = channel.pipeline.syncOperations
        switch role {
        case .outbound:
            let connection = DownstreamConnection(loop: self, role: role, channel: channel)
            self.remember(connection)
            try pipeline.addHandler(connection.makeSniffer())
        case .upstream(let name):
            let connection = DownstreamConnection(loop: self, role: role, channel: channel)
            self.remember(connection)
            try pipeline.addHandler(connection.makeEntry(self.appProtocol(of: name)))
        case .inbound(let appPort):
            let application = self.application(port: appPort)
            let connection = DownstreamConnection(
                loop: self, role: role, channel: channel, refusesPlaintext: application.mtls == .strict)
            self.remember(connection)
            if application.mtls == .disabled, !application.appProtocol.allowsBytes {
                self.telemetry.plaintextConnection()
                try pipeline.addHandler(connection.makeSniffer())
            } else if application.mtls != .strict, application.appProtocol.allowsBytes {
                let entry = connection.makeEntry(
                    application.appProtocol, acceptsTLS: application.mtls == .permissive)
                try pipeline.addHandler(entry)
            } else {
                try pipeline.addHandler(PlaintextDetector(connection: connection))
            }
        }
    }

    /// Demands mutual TLS of a connection, whose requests follow.
    func secure(_ connection: DownstreamConnection, _ pipeline: ChannelPipeline.SynchronousOperations) throws {
        guard let security = self.security else {
            self.telemetry.connectionRefused()
            throw ChannelError.operationUnsupported
        }
        let handshake = PeerHandshake()
        connection.begins(handshake)
        try pipeline.addHandler(security.serverHandler(reportingTo: handshake))
        try pipeline.addHandler(
            InboundHandshakeHandler(connection: connection, handshake: handshake, security: security))
        try pipeline.addHandler(connection.makeSniffer())
    }

    // MARK: Protocols

    /// What the service behind a canonical name speaks; nil while nothing is known of it.
    func appProtocol(of name: String) -> AppProtocol? { self.snapshot.clusters[name]?.appProtocol }

    /// The canonical name of the service that an authority means; nil for anything else.
    func serviceName(of authority: String) -> String? {
        let resolution = AuthorityResolution(
            authority: authority, namespace: self.configuration.service.namespace)
        guard case .service(let port) = resolution else { return nil }
        return port.description
    }

    /// Remembers what a port's connections speak; bounded, since tunnels can be asked for under any name.
    func learn(_ learned: LearnedProtocol?, for port: String) {
        if self.learnedProtocols.count >= self.configuration.limits.maxNames { self.learnedProtocols.removeAll() }
        self.learnedProtocols[port] = learned
    }

    /// Asks for what a declared upstream needs before its first connection comes.
    func expect(_ name: String) {
        guard self.snapshot.listeners[name] == nil, !self.snapshot.absent.contains(name), self.parked[name] == nil
        else { return }
        self.parked[name] = ParkedName()
        self.source.want(listener: name)
    }

    private func remember(_ connection: DownstreamConnection) {
        self.connections[ObjectIdentifier(connection)] = connection
        self.telemetry.connectionOpened(connection.role)
        let bound = NIOLoopBound((self, connection), eventLoop: self.eventLoop)
        connection.channel.closeFuture.whenComplete { _ in
            let (loop, connection) = bound.value
            loop.connections[ObjectIdentifier(connection)] = nil
            connection.channelClosed()
            loop.telemetry.connectionClosed(connection.role)
        }
        if self.isDraining { connection.drain() }
    }

    /// Asks about every connection from an application or a peer whether it may go on, and ends those that may not.
    func reviewConnections(_ verdict: (DownstreamConnection) -> ConnectionVerdict) {
        for connection in Array(self.connections.values) {
            if case .ends(let reason, let detail) = verdict(connection) { connection.end(reason, detail: detail) }
        }
    }

    /// What is open now, of the roles asked for.
    func load(where matches: (ListenerRole) -> Bool) -> ProxyLoad {
        var load = ProxyLoad()
        for connection in self.connections.values where matches(connection.role) {
            load.connections += 1
            load.requests += connection.openStreams
        }
        // Asked for while stopping only, so that requests need not be counted by kind as they come and go.
        if matches(.inbound(appPort: 0)) { load.longLived = self.requests.count { $0.isOpenStream } }
        return load
    }

    /// Tells connections of these roles to finish and take nothing new.
    func drain(where matches: (ListenerRole) -> Bool) {
        self.isDraining = true
        for connection in Array(self.connections.values) where matches(connection.role) { connection.drain() }
    }

    /// Closes what is left, and all pools.
    func closeAll() {
        for connection in Array(self.connections.values) { connection.close() }
        self.checker?.stop()
        self.checker = nil
        for cluster in self.traffic.clusters.values {
            for endpoint in cluster.balancer.endpoints { self.retirePool(of: endpoint) }
        }
        for application in self.applications.values { application.pool.retire() }
        self.telemetry.stopWatching()
        self.wheelTask?.cancel()
    }
}
