internal import DequeModule
internal import WeftHTTP
internal import WeftModel
internal import WeftTelemetry
internal import WeftTraffic

/// What logs and records tell of an endpoint, request for request.
struct EndpointTexts {
    let version: String
    let identity: String
    let part: RecordPart
}

/// Who waits for a connection. Belongs to the loop.
protocol ConnectionWaiter: AnyObject {
    /// A connection with room; the waiter opens its stream at once.
    func connectionReady(_ connection: UpstreamConnection, of pool: EndpointPool)
    /// None came about.
    func connectionFailed(_ failure: ConnectFailure)
}

/// The connections of one loop to one endpoint under one certificate: does what `ConnectionPool` decides.
final class EndpointPool {
    let target: UpstreamTarget
    private unowned let loop: ProxyLoop
    private var security: TransportSecurity?
    /// What the connections count towards; nil for those that no policy limits.
    private let circuit: ClusterTraffic?
    /// Whom the connections lead to, where a balancer picks it; the endpoint owns the pool.
    private weak var endpoint: UpstreamEndpoint?
    private var pool: ConnectionPool
    private var limits: ConnectionPool.Limits
    /// By connection number.
    private var connections: [UpstreamConnection?] = []
    private var waiters: Deque<any ConnectionWaiter> = []
    /// For the log.
    private(set) lazy var addressText = ListenAddress(host: self.target.address, port: self.target.port).description
    private(set) lazy var serviceText = self.circuit?.cluster.service.description ?? ""
    private var texts: EndpointTexts?
    /// The edges that requests to this endpoint are counted on.
    var edges = EdgeCache()
    /// To the same endpoint in another protocol, for what its requests cannot travel in.
    private var siblings: [UpstreamTarget.Codec: EndpointPool] = [:]
    /// The connection used last, so that the usual request finds it without a look-up.
    private var recent: UpstreamConnection?
    /// Nobody will ask again: connections close as they become free.
    private(set) var isRetired = false

    init(
        target: UpstreamTarget, limits: ConnectionPool.Limits, security: TransportSecurity?, loop: ProxyLoop,
        circuit: ClusterTraffic? = nil, endpoint: UpstreamEndpoint? = nil
    ) {
        self.endpoint = endpoint
        self.target = target
        self.pool = ConnectionPool(limits: limits)
        self.limits = limits
        self.security = security
        self.loop = loop
        self.circuit = circuit
    }

    /// The connections to the same endpoint that speak `codec`; between sidecars there are only those of HTTP/2.
    func speaking(_ codec: UpstreamTarget.Codec) -> EndpointPool {
        if codec == self.target.codec || self.target.isTLS { return self }
        if let sibling = self.siblings[codec] { return sibling }
        var target = self.target
        target.codec = codec
        var limits = self.limits
        limits.expectedRoom = codec == .http2 ? 100 : 1
        let sibling = EndpointPool(
            target: target, limits: limits, security: self.security, loop: self.loop, circuit: self.circuit,
            endpoint: self.endpoint)
        self.siblings[codec] = sibling
        return sibling
    }

    /// Takes other limits; what is open stays open. What is expected of a connection is its codec's and stays.
    func update(_ limits: ConnectionPool.Limits) {
        self.limits.connections = limits.connections
        self.limits.waiting = limits.waiting
        self.pool.update(self.limits)
        for sibling in self.siblings.values { sibling.update(limits) }
    }

    /// Whether new requests may use these connections under this identity: they prove the same certificate. Who else is
    /// believed by now holds for new connections from here on.
    func serves(_ security: TransportSecurity?) -> Bool {
        if self.security === security || !self.target.isTLS { return true }
        guard let security, let own = self.security, security.isSameCertificate(as: own) else { return false }
        self.security = security
        return true
    }

    /// How the pool's endpoint is told of; made anew when what may change of it did.
    func texts(of upstream: UpstreamEndpoint) -> EndpointTexts {
        let version = upstream.endpoint.version
        if let texts = self.texts, texts.version == version { return texts }
        let texts = EndpointTexts(
            version: version, identity: upstream.endpoint.identity?.description ?? "",
            part: RecordCoding.part(of: upstream.endpoint))
        self.texts = texts
        return texts
    }

    var isEmpty: Bool { self.pool.isEmpty }
    var connectionCount: Int { self.pool.count }

    /// Finds a connection with room, or queues `waiter` and tells it later. Nil when queued.
    func acquire(for waiter: any ConnectionWaiter) throws(ConnectFailure) -> UpstreamConnection? {
        if let recent = self.recent, let codec = recent.codec, codec.availableStreams > 0 { return recent }
        while true {
            switch self.pool.place() {
            case .use(let id):
                guard let connection = self.connections[id], let codec = connection.codec else {
                    self.perform(self.pool.closed(id, failed: false))
                    continue
                }
                guard codec.availableStreams > 0 else {
                    self.note(connection)
                    continue
                }
                self.recent = connection
                return connection
            case .wait(let opening):
                let permitted = opening.map { _ in self.takePlace() } ?? true
                if let opening, !permitted, !self.pool.refused(opening) {
                    self.pool.left()
                    throw ConnectFailure(
                        reason: .overflow, cause: "the destination has as many connections as it may")
                }
                self.waiters.append(waiter)
                if let opening, permitted { self.open(opening) }
                return nil
            case .overflow:
                throw ConnectFailure(
                    reason: .overflow, cause: "\(self.waiters.count) requests wait for a connection already")
            }
        }
    }

    /// A waiter no longer wants a connection.
    func cancel(_ waiter: any ConnectionWaiter) {
        guard let index = self.waiters.firstIndex(where: { $0 === waiter }) else { return }
        self.waiters.remove(at: index)
        self.pool.left()
    }

    /// A stream was opened on this connection.
    func streamOpened(on connection: UpstreamConnection) {
        guard let codec = connection.codec, codec.availableStreams <= 0 else { return }
        self.note(connection)
        if self.recent === connection { self.recent = nil }
    }

    /// Closes what carries nothing now: one kept connection was found dead, and the others may be.
    func closeUnused() {
        self.recent = nil
        for case let connection? in self.connections where connection.codec?.openStreams == 0 {
            self.perform(self.pool.stoppedAccepting(connection.id))
            connection.drain()
        }
    }

    /// Lets go: what is under way ends, nothing new is opened.
    func retire() {
        self.isRetired = true
        for sibling in self.siblings.values { sibling.retire() }
        self.recent = nil
        for case let connection? in self.connections where connection.codec != nil { connection.drain() }
    }

    // MARK: What becomes of connections

    func connectionOpened(_ connection: UpstreamConnection) {
        self.note(connection)
        self.serve()
        if self.isRetired, self.waiters.isEmpty { connection.drain() }
    }

    func connectionChanged(_ connection: UpstreamConnection) {
        self.note(connection)
        if !self.waiters.isEmpty { self.serve() }
    }

    func connectionStoppedAccepting(_ connection: UpstreamConnection) {
        if self.recent === connection { self.recent = nil }
        self.perform(self.pool.stoppedAccepting(connection.id))
    }

    func connectionEnded(_ connection: UpstreamConnection) {
        self.remove(connection)
        self.perform(self.pool.closed(connection.id, failed: false))
    }

    func connectionFailed(_ connection: UpstreamConnection, _ failure: ConnectFailure) {
        self.remove(connection)
        self.loop.noteConnectFailure(failure, to: self.target)
        // Those who waited may have gone; the balancer must hear of it all the same.
        if let endpoint = self.endpoint, let circuit = self.circuit, failure.reason != .draining,
            failure.reason != .overflow
        {
            circuit.balancer.failed(endpoint, failure.upstreamFailure, waited: 0, now: self.loop.now)
        }
        self.perform(self.pool.closed(connection.id, failed: true), failure)
    }

    private func remove(_ connection: UpstreamConnection) {
        self.connections[connection.id] = nil
        self.circuit?.load.closeConnection()
        if self.recent === connection { self.recent = nil }
    }

    private func note(_ connection: UpstreamConnection) {
        guard let codec = connection.codec else { return }
        self.pool.update(connection.id, room: codec.availableStreams)
    }

    private func serve() {
        while let id = self.pool.next(), let connection = self.connections[id] {
            guard let codec = connection.codec, codec.availableStreams > 0 else {
                self.note(connection)
                continue
            }
            guard let waiter = self.waiters.popFirst() else { return }
            self.pool.left()
            waiter.connectionReady(connection, of: self)
        }
    }

    private func perform(_ consequence: ConnectionPool.Consequence, _ failure: ConnectFailure? = nil) {
        if let id = consequence.opening {
            if self.takePlace() {
                self.open(id)
            } else if !self.pool.refused(id) {
                // Nothing would ever serve those who wait.
                self.fail(self.pool.waiting, ConnectFailure(reason: .overflow, cause: "no connection may be opened"))
            }
        }
        let failure = failure ?? ConnectFailure(reason: .connectFailed, cause: "the connection closed")
        self.fail(consequence.failing, failure)
    }

    /// The oldest of those who wait get no connection.
    private func fail(_ count: Int, _ failure: ConnectFailure) {
        var failing: [any ConnectionWaiter] = []
        for _ in 0..<count {
            guard let waiter = self.waiters.popFirst() else { break }
            self.pool.left()
            failing.append(waiter)
        }
        for waiter in failing { waiter.connectionFailed(failure) }
    }

    /// A place among the destination's connections; false when it has as many as it may.
    private func takePlace() -> Bool { self.circuit?.load.openConnection() ?? true }

    private func open(_ id: ConnectionPool.ConnectionID) {
        let connection = UpstreamConnection(id: id, pool: self, loop: self.loop)
        while self.connections.count <= id { self.connections.append(nil) }
        self.connections[id] = connection
        _ = self.serves(self.loop.security)
        connection.open(self.target, security: self.security)
    }
}
