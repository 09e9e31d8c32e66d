package import WeftModel

/// Everything a sidecar is told when it starts: from flags, `WEFT_` environment and a YAML file, in that order.
package struct ProxyConfiguration: Sendable {
    /// The service whose workload this sidecar stands beside.
    package var service: ServiceName
    /// The account in the workload's SPIFFE ID. The service's name where none is given.
    package var account: String
    /// The workload's name within its namespace, unique; a control plane knows it by this.
    package var workload: String
    /// The address that peers connect to and inbound listeners bind. Default `127.0.0.1`.
    package var address = "127.0.0.1"
    /// Ports of the application that peers may call, in order; none for a workload that only calls others.
    package var ports: [ApplicationPort] = []
    /// Labels of the workload; `version` is one of them.
    package var labels: [String: String] = [:]
    package var locality = Locality()
    /// Relative share of traffic, 1–1 000 000. Default 1.
    package var weight = 1
    /// Where the application reaches the mesh as an HTTP proxy. Nil opens none. Default `127.0.0.1:15001`.
    package var outbound: ListenAddress? = .loopback(15001)
    /// Loopback ports that stand for one service each.
    package var upstreams: [DeclaredUpstream] = []
    /// Metrics, readiness and the configuration dump. Nil opens none. Default `127.0.0.1:15000`.
    package var admin: ListenAddress? = .loopback(15000)
    /// Where rules and identities come from.
    package var source: ConfigurationOrigin
    /// Where the identity and the last good snapshot are kept, mode 0700. Nil keeps nothing.
    package var dataDirectory: String?
    /// How the application's readiness is found. Nil counts it as ready once it accepts a TCP connection.
    package var healthCheck: ApplicationHealthCheck?
    /// Event loops, each with its own listening sockets. Default: the cores, at most 2.
    package var loops: Int?
    package var limits = ProxyLimits()
    package var drain = DrainSettings()
    package var accessLog = AccessLogMode.errors
    package var telemetry = TelemetryConfiguration()
    /// Under which names requests are counted. Default Weft's.
    package var metricNaming = MetricNaming.weft
    /// What the local application is given for TCP connect. Default 300 ms.
    package var applicationConnectTimeout = Duration.milliseconds(300)

    package init(
        service: ServiceName, account: String? = nil, workload: String, source: ConfigurationOrigin
    ) {
        self.service = service
        self.account = account ?? service.name
        self.workload = workload
        self.source = source
    }
}

/// An address and port to listen on.
package struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
    /// IPv4 or IPv6, without brackets.
    package var host: String
    /// 0–65535; zero takes a free one.
    package var port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// A port on `127.0.0.1`.
    package static func loopback(_ port: Int) -> Self { Self(host: "127.0.0.1", port: port) }

    /// Reads `host:port`, `[v6]:port`, `:port` or a bare port; nil for anything else.
    package init?(_ text: String) {
        let (host, port) =
            if let colon = text.lastIndex(of: ":") {
                (String(text[..<colon]), text[text.index(after: colon)...])
            } else {
                ("", text[...])
            }
        guard let number = Int(port), (0...65535).contains(number) else { return nil }
        let bare = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
        self.init(host: bare.isEmpty ? "127.0.0.1" : bare, port: number)
    }

    package var description: String {
        self.host.contains(":") ? "[\(self.host)]:\(self.port)" : "\(self.host):\(self.port)"
    }
}

/// A port of the application, and where the sidecar takes its traffic from peers.
package struct ApplicationPort: Hashable, Sendable {
    /// Empty allowed when there is only one.
    package var name: String
    /// The application's own port on loopback.
    package var port: Int
    /// Where peers connect; zero takes a free one. Default 15006.
    package var inboundPort: Int
    package var appProtocol: AppProtocol

    package init(name: String = "", port: Int, inboundPort: Int = 15006, appProtocol: AppProtocol = .detect) {
        self.name = name
        self.port = port
        self.inboundPort = inboundPort
        self.appProtocol = appProtocol
    }
}

/// A loopback port that stands for one service: what is sent there goes to it, whatever its authority says.
package struct DeclaredUpstream: Hashable, Sendable {
    /// As an application would write it: `billing:80`, `billing.default:80`; port 80 where none is given.
    package var name: String
    package var listen: ListenAddress

    package init(name: String, listen: ListenAddress) {
        self.name = name
        self.listen = listen
    }

    /// Reads `billing:80=127.0.0.1:20080`; nil for anything else.
    package init?(_ text: String) {
        guard let equals = text.firstIndex(of: "="), equals != text.startIndex,
            let listen = ListenAddress(String(text[text.index(after: equals)...]))
        else { return nil }
        self.init(name: String(text[..<equals]), listen: listen)
    }
}

/// Where a sidecar's rules and identity come from.
package enum ConfigurationOrigin: Hashable, Sendable {
    case controlPlane(ControlPlaneAccess)
    /// Files only, read once: for measurements and for machines without a control plane.
    case `static`(StaticFiles)
}

/// How the control plane is reached and joined.
package struct ControlPlaneAccess: Hashable, Sendable {
    /// Default `127.0.0.1`.
    package var host: String
    /// Default 15012.
    package var port: Int
    /// The join token, needed only until an identity has been saved.
    package var joinToken: String?
    /// A file with a Kubernetes service-account token, used where there is no join token; read anew for each try,
    /// because the cluster replaces it.
    package var kubernetesTokenFile: String?
    /// SHA-256 of the root that the control plane must hold, hex: what a join token would say. Needed with
    /// `kubernetesTokenFile`.
    package var rootFingerprint: String?
    /// The socket of the host's agent, which then gives the identity; nil, the default, joins with the token.
    package var agentSocket: String?

    package init(
        host: String = "127.0.0.1", port: Int = 15012, joinToken: String? = nil, agentSocket: String? = nil
    ) {
        self.host = host
        self.port = port
        self.joinToken = joinToken
        self.agentSocket = agentSocket
    }
}

/// What a sidecar without a control plane reads.
package struct StaticFiles: Hashable, Sendable {
    /// A JSON document in the form of `StaticSnapshot`.
    package var snapshot: String
    /// A directory as `WorkloadIdentity` saves one; nil runs without TLS.
    package var identity: String?

    package init(snapshot: String, identity: String? = nil) {
        self.snapshot = snapshot
        self.identity = identity
    }
}

/// How a sidecar finds out whether its application takes requests.
package struct ApplicationHealthCheck: Hashable, Sendable {
    package var method: Method
    /// The application's port; nil is its first.
    package var port: Int?
    /// Default 1 s.
    package var interval: Duration = .seconds(1)
    /// Default 1 s.
    package var timeout: Duration = .seconds(1)
    /// Failures in a row before it counts as not ready. Default 2; the first success counts at once.
    package var unhealthyAfter: Int = 2

    package init(_ method: Method, port: Int? = nil) {
        self.method = method
        self.port = port
    }

    package enum Method: Hashable, Sendable {
        /// GET of this path; 200–399 is ready.
        case http(path: String)
        /// A TCP connection is accepted.
        case tcp
        /// Always ready.
        case none
    }
}

/// Which requests are written to the access log.
package enum AccessLogMode: String, Hashable, Sendable, Codable, CaseIterable {
    case off
    /// Those that ended in a 5xx, a gRPC failure, or with a reason other than `ok`. The default.
    case errors
    /// Errors, and requests whose trace is sampled.
    case sampled
    case all
}

/// What a sidecar allows peers and applications to grow.
package struct ProxyLimits: Hashable, Sendable {
    /// One message's head, counted as HTTP/2 counts it. Default 64 KiB; more is answered 431.
    package var maxHeaderBytes = 65536
    /// Fields in one head. Default 200.
    package var maxFields = 200
    /// Streams that a peer may have open on one HTTP/2 connection. Default 256.
    package var maxStreamsPerConnection = 256
    /// Downstream connections of all listeners together, per loop. Default 20 000; more are closed at once.
    package var maxConnections = 20_000
    /// Requests waiting for the discovery of a name, per loop. Default 1024; more are answered 503 `overflow`.
    package var maxParkedRequests = 1024
    /// How long a request waits for the discovery of a name. Default 5 s.
    package var discoveryTimeout = Duration.seconds(5)
    /// How long an unused downstream connection is kept. Default 1 h.
    package var downstreamIdleTimeout = Duration.seconds(3600)
    /// How long an unused HTTP/1.1 connection to an application is kept. Default 3 s.
    package var upstreamIdleTimeout = Duration.seconds(3)
    /// Connections to the local application, per loop. Default 1024.
    package var maxApplicationConnections = 1024
    /// The names that callers may make a sidecar ask for and remember; beyond, the oldest give way, and at any time no
    /// more than 256 that the mesh does not have. Default 1024.
    package var maxNames = 1024
    /// Copies of requests under way, per loop. Default 256; more are not made.
    package var maxMirrors = 256

    package init() {}
}

/// The stages of stopping.
package struct DrainSettings: Hashable, Sendable {
    /// How long dependents are given to hear of it before connections are told. Default 2 s.
    package var announcement = Duration.seconds(2)
    /// How long requests in flight are waited for, from when connections are told. Default 30 s.
    package var requests = Duration.seconds(30)
    /// The same for gRPC calls and server-sent events. Default 120 s.
    package var streams = Duration.seconds(120)

    package init() {}
}
