package import WeftModel

/// How a control plane runs: where it keeps its state, where it listens, and what it allows.
package struct ControlPlaneConfiguration: Hashable, Sendable {
    /// Everything it keeps; made with mode 0700 when missing. Default `/var/lib/weft`.
    package var dataDirectory: String
    /// Default `mesh.local`; fixed from the first start on.
    package var trustDomain: TrustDomain
    /// Where proxies connect. Default `0.0.0.0:15012`.
    package var meshAddress: Address
    /// Where the API answers over TLS; nil, the default, leaves only the Unix socket.
    package var apiAddress: Address?
    /// The API's Unix socket; nil, the default, is `<data directory>/run/api.sock`. At most 100 bytes.
    package var apiSocket: String?
    /// DNS names and IP addresses that clients may check in the server's certificate, besides those it always has:
    /// `localhost`, `127.0.0.1`, `::1` and the listening addresses' hosts.
    package var serverNames: [String]
    /// How long workload certificates live. Default 24 h; at least 1 min.
    package var leafLifetime: Duration
    /// The file with the passphrase that the authority's keys are encrypted with; nil, the default, leaves them plain.
    package var authorityPassphraseFile: String?
    /// The file with 32 bytes that they are encrypted with instead.
    package var authorityKeyFile: String?
    /// How much of the configuration's past is kept.
    package var history = History()
    /// Where the mesh's bundle is served to other trust domains, besides the API; nil, the default: nowhere.
    package var bundleAddress: Address?
    /// Where the dashboard is served on this machine, without TLS: a loopback address. Default `127.0.0.1` with a free
    /// port; nil: only where the API answers over TLS.
    package var dashboardAddress: Address? = Address(host: "127.0.0.1", port: 0)
    /// PEM file with the authorities of other trust domains' https_web endpoints; nil: those this host trusts.
    package var federationRoots: String?
    /// What identities may do at the API beside the account `admin` in the namespace `weft`, which may do everything.
    package var apiRoles: [SPIFFEID: APIRole] = [:]
    /// A cluster whose service accounts may join; nil, the default: none.
    package var kubernetes: Kubernetes?
    /// Whether nothing is issued or changed while the audit log cannot be written. Default false.
    package var auditRequired = false
    package var limits: Limits
    package var leases: Registry.Leases

    package init(
        dataDirectory: String = "/var/lib/weft", trustDomain: TrustDomain = .standard,
        meshAddress: Address = Address(host: "0.0.0.0", port: 15012), apiAddress: Address? = nil,
        apiSocket: String? = nil, serverNames: [String] = [], leafLifetime: Duration = .seconds(24 * 3600),
        limits: Limits = Limits(), leases: Registry.Leases = Registry.Leases()
    ) {
        self.dataDirectory = dataDirectory
        self.trustDomain = trustDomain
        self.meshAddress = meshAddress
        self.apiAddress = apiAddress
        self.apiSocket = apiSocket
        self.serverNames = serverNames
        self.leafLifetime = leafLifetime
        self.limits = limits
        self.leases = leases
    }

    /// The API's socket with its default resolved.
    package var resolvedAPISocket: String { self.apiSocket ?? "\(self.dataDirectory)/run/api.sock" }

    package struct Address: Hashable, Sendable, CustomStringConvertible {
        package var host: String
        /// Zero takes a free one.
        package var port: Int

        package init(host: String, port: Int) {
            self.host = host
            self.port = port
        }

        package var description: String { "\(self.host):\(self.port)" }
    }

    /// How service-account tokens of a Kubernetes cluster are checked.
    package struct Kubernetes: Hashable, Sendable {
        /// Where a cluster tells its pods that these are.
        package static let directory = "/var/run/secrets/kubernetes.io/serviceaccount"

        /// The cluster's API server.
        package var url: HTTPSAddress
        /// PEM file with the API server's authorities.
        package var caFile: String
        /// The control plane's own token; read anew for each question.
        package var tokenFile: String
        /// Whom a token must be meant for. Default `weft`.
        package var audience: String
        /// Services that accounts may join besides those of their own names, by `NAMESPACE/ACCOUNT`.
        package var services: [String: Set<String>] = [:]
        /// Whether its account `admin` in the namespace `weft` may join, which makes it an admin of the API. Default false:
        /// otherwise whoever may make service accounts in that namespace would be one.
        package var admitsAdmin = false
        /// For one question. Default 5 s.
        package var timeout = Duration.seconds(5)

        package init(
            url: HTTPSAddress, caFile: String = "\(Self.directory)/ca.crt",
            tokenFile: String = "\(Self.directory)/token",
            audience: String = "weft"
        ) {
            self.url = url
            self.caFile = caFile
            self.tokenFile = tokenFile
            self.audience = audience
        }
    }

    package struct History: Hashable, Sendable {
        /// Changes at most. Default 10 000; at least 1.
        package var changes = 10_000
        /// For how long, but for the newest 100. Default 90 days; at least 1 min.
        package var age = Duration.seconds(90 * 86_400)

        package init() {}
    }

    /// What a peer can grow, and how far.
    package struct Limits: Hashable, Sendable {
        /// Connections to the mesh port. Default 20 000.
        package var connections = 20_000
        /// Calls at once on one connection. Default 100.
        package var streamsPerConnection = 100
        /// Discovery streams of one identity. Default 4096.
        package var streamsPerIdentity = 4096
        /// Names that one discovery stream may ask for. Default 10 000.
        package var subscriptionsPerStream = 10_000
        /// Bytes of one such name. Default 1024.
        package var nameBytes = 1024
        /// Bytes of one message from a proxy. Default 4 MiB; Envoy's first is some 60 KiB.
        package var messageBytes = 4 << 20
        /// Bytes of one API call's body. Default 8 MiB.
        package var apiBodyBytes = 8 << 20
        /// For all of it to come. Default 30 s.
        package var apiBodyTime = Duration.seconds(30)
        /// Connections to the API, over TLS and over the Unix socket each. Default 1024.
        package var apiConnections = 1024
        /// What is kept of the edges' figures.
        package var telemetry = TelemetryStore.Limits()
        /// Certificates signed for one identity within a minute. Default 60.
        package var certificatesPerIdentity = 60
        /// Certificates signed within a minute. Default 6000.
        package var certificates = 6000
        /// Tokens that are kept. Default 10 000.
        package var tokens = 10_000
        /// Joins per second of one address. Default 10, and 100 at once; a failed one counts for 10 more.
        package var joinRate = 10.0
        package var joinBurst = 100.0
        /// Joins per second of everyone. Default 200, and 2000 at once.
        package var totalJoinRate = 200.0
        package var totalJoinBurst = 2000.0
        /// Failed logins at once of one address before its credentials are not looked at; one per second is forgiven.
        /// Default 30.
        package var failedLogins = 30.0
        package var registry = Registry.Limits()

        package init() {}
    }

    /// Refuses values that make no sense together.
    package func validate() throws(ControlPlaneError) {
        guard self.dataDirectory.hasPrefix("/") else {
            throw .invalidConfiguration(field: "data-dir", cause: "\(self.dataDirectory) is not an absolute path")
        }
        for address in [self.meshAddress, self.apiAddress, self.bundleAddress, self.dashboardAddress].compactMap(\.self)
        where !(0...65535).contains(address.port) || address.host.isEmpty {
            throw .invalidConfiguration(field: "address", cause: "\(address) is not HOST:PORT")
        }
        if let host = self.dashboardAddress?.host, host != "localhost", host != "::1",
            NetworkPrefix.address(host)?.first != 127 || host.contains(":")
        {
            throw .invalidConfiguration(
                field: "dashboard-listen",
                cause: "\(host) is not this machine alone; others reach the dashboard over TLS, with --api-listen")
        }
        guard self.resolvedAPISocket.utf8.count <= 100 else {
            throw .invalidConfiguration(
                field: "api-socket",
                cause:
                    "\(self.resolvedAPISocket) is longer than the 100 bytes a socket's path may have; set a shorter one"
            )
        }
        guard self.history.changes >= 1, self.history.age >= .seconds(60) else {
            throw .invalidConfiguration(field: "history", cause: "less than one change or one minute is no history")
        }
        if let stranger = self.apiRoles.keys.first(where: { $0.trustDomain != self.trustDomain }) {
            throw .invalidConfiguration(
                field: "api-role", cause: "\(stranger) is not of the trust domain \(self.trustDomain)")
        }
        guard self.leafLifetime >= .seconds(60) else {
            throw .invalidConfiguration(field: "leaf-lifetime", cause: "\(self.leafLifetime) is below 1 minute")
        }
    }
}
