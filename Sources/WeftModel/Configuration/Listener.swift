/// What answers for a name: the entry into a route configuration, or a workload's inbound side.
///
/// Wire form: `envoy.config.listener.v3.Listener`.
package enum Listener: Hashable, Sendable {
    /// A service port as callers reach it: an `ApiListener` whose routes are in `routeConfiguration`.
    case outbound(name: String, routeConfiguration: String)
    case inbound(InboundListener)

    package var name: String {
        switch self {
        case .outbound(let name, _): name
        case .inbound(let listener): listener.name
        }
    }
}

/// The inbound side of one workload's port.
package struct InboundListener: Hashable, Sendable {
    /// `inbound/<namespace>/<workload>/<application port>`.
    package var name: String
    package var service: ServiceName
    /// Where peers connect.
    package var address: String
    package var port: Int
    /// The application's port on loopback.
    package var appPort: Int
    package var appProtocol: AppProtocol
    package var mtls: MTLSMode
    /// How many requests the application gets at once; nil, the default, is without limit.
    package var concurrency: ConcurrencyPolicy?
    /// What the workload takes; empty is unlimited. At most 16.
    package var rateLimits: [RateLimit] = []
    /// Whether deadlines of callers outside the mesh count.
    package var trustsDeadlines = false
    /// Silence either way that ends a stream; nil is the default of `RouteTimeouts`, zero is none.
    package var idleTimeout: Duration?
    package var forwarding = ForwardingPolicy()
    /// Who may call, and whose tokens are believed.
    package var authorization = Authorization()
    /// Which policy set `mtls`; nil is the default.
    package var mtlsSource: Provenance?
    /// Which resource set each value; a value that is not here is a default.
    package var sources: [TrafficSetting: Provenance] = [:]

    package init(
        name: String, service: ServiceName, address: String, port: Int, appPort: Int, appProtocol: AppProtocol,
        mtls: MTLSMode
    ) {
        self.name = name
        self.service = service
        self.address = address
        self.port = port
        self.appPort = appPort
        self.appProtocol = appProtocol
        self.mtls = mtls
    }

    /// The name under which a workload's inbound side is asked for.
    package static func name(namespace: String, workload: String, appPort: Int) -> String {
        "inbound/\(namespace)/\(workload)/\(appPort)"
    }
}
