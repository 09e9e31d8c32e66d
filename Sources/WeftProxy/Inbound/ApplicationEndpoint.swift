internal import WeftModel
internal import WeftTraffic

/// The application behind one of its ports, as one loop knows it: its connections, and what holds for requests to it.
final class ApplicationEndpoint {
    let port: Int
    let service: ServiceName
    let mtls: MTLSMode
    /// The control plane says that only mutual TLS is taken; not merely that it has said nothing yet.
    private(set) var demandsMutualTLS = false
    let appProtocol: AppProtocol
    let pool: EndpointPool
    /// The share of further attempts that this port takes.
    var attempts: AttemptGuard
    /// The limit on requests at once; nil where no policy asks for one.
    let gate: ConcurrencyGate?
    /// What peers may ask of it.
    private(set) var limits: [RateLimitTable] = []
    /// Whether deadlines of callers outside the mesh count.
    private(set) var trustsDeadlines = false
    private(set) var forwarding = ForwardingPolicy()
    /// Who may call, and whose tokens are believed; nil where everybody may.
    private(set) var authorization: PortAuthorization?
    /// How long callers outside the mesh may wait and be silent.
    private(set) var timeouts = InboundTimeouts()
    /// The same for peers. Their own proxies know what their routes allow, and end what is silent for longer; here it
    /// only ends what such a proxy has forgotten.
    private(set) var peerTimeouts = InboundTimeouts(idle: .seconds(3600))

    init(port: Int, loop: ProxyLoop, continuing previous: ApplicationEndpoint? = nil) {
        let settings = Self.settings(port: port, loop: loop)
        self.port = port
        self.service = settings.service
        self.mtls = settings.mtls
        self.appProtocol = settings.appProtocol
        self.attempts = previous?.attempts ?? AttemptGuard()
        if let policy = settings.concurrency {
            let kept = previous?.gate.flatMap { $0.limit.policy == policy ? $0 : nil }
            self.gate = kept ?? ConcurrencyGate(policy, seed: loop.traffic.random.next())
        } else {
            self.gate = nil
        }
        let isHTTP2 = settings.appProtocol.isHTTP2
        self.pool = EndpointPool(
            target: UpstreamTarget(
                address: "127.0.0.1", port: port, transport: .plaintext, codec: isHTTP2 ? .http2 : .http1,
                connectTimeout: loop.configuration.applicationConnectTimeout),
            limits: ConnectionPool.Limits(
                connections: loop.configuration.limits.maxApplicationConnections, waiting: 1024,
                expectedRoom: isHTTP2 ? 100 : 1),
            security: nil, loop: loop)
        self.authorization = previous?.authorization
        self.update(in: loop)
    }

    /// Takes what may change while connections stay: the rate limits, and whose deadlines count.
    func update(in loop: ProxyLoop) {
        let listener = Self.listener(port: self.port, loop: loop)
        self.demandsMutualTLS = listener?.mtls == .strict
        self.limits = (listener?.rateLimits ?? []).map { loop.rateLimits.table(of: $0, service: self.service) }
        self.trustsDeadlines = listener?.trustsDeadlines ?? false
        self.forwarding = listener?.forwarding ?? ForwardingPolicy()
        self.authorization = PortAuthorization.following(
            self.authorization, listener.flatMap { loop.snapshot.inboundGuard(of: $0.name) })
        let connect = loop.configuration.applicationConnectTimeout
        self.timeouts = InboundTimeouts(idle: listener?.idleTimeout, connect: connect)
        self.peerTimeouts = InboundTimeouts(idle: .seconds(3600), connect: connect)
    }

    /// Whether the snapshot in force still says what this was made from.
    func isCurrent(in loop: ProxyLoop) -> Bool {
        Self.settings(port: self.port, loop: loop)
            == (self.service, self.mtls, self.appProtocol, self.gate?.limit.policy)
    }

    /// The compiled listener decides; until it is here the sidecar's own configuration, with mutual TLS.
    private static func settings(
        port: Int, loop: ProxyLoop
    ) -> (service: ServiceName, mtls: MTLSMode, appProtocol: AppProtocol, concurrency: ConcurrencyPolicy?) {
        if let listener = Self.listener(port: port, loop: loop) {
            return (listener.service, listener.mtls, listener.appProtocol, listener.concurrency)
        }
        let declared = loop.configuration.ports.first { $0.port == port }
        return (loop.configuration.service, .strict, declared?.appProtocol ?? .detect, nil)
    }

    private static func listener(port: Int, loop: ProxyLoop) -> InboundListener? {
        for case .inbound(let listener) in loop.snapshot.listeners.values where listener.appPort == port {
            return listener
        }
        return nil
    }
}
