/// `GET /v1/status`: the control plane, its authority, and each proxy it knows.
package struct StatusReport: Hashable, Sendable, Codable {
    /// The control plane's own version.
    package var version: String
    /// The store's revision.
    package var revision: Revision
    /// The revision that proxies are being given; below `revision` only while a change is being compiled.
    package var publishedRevision: Revision
    package var trustDomain: String
    /// Seconds since 1970, as are all times here.
    package var startedAt: Int64
    package var now: Int64
    package var authority: AuthorityStatus
    /// Sorted by workload, then by identity for proxies that registered none (Envoy, gRPC).
    package var proxies: [ProxyStatus]
    /// What keeps the present configuration from compiling or working; empty is well.
    package var problems: [Diagnostic]
    /// Handshakes that the control plane refused since it started, by listener (`mesh`, `api`) and then by cause, in the
    /// words of the handshake counter; nil of a control plane that does not tell.
    package var refusedHandshakes: [String: [String: Int]]?

    package init(
        version: String, revision: Revision, publishedRevision: Revision, trustDomain: String, startedAt: Int64,
        now: Int64, authority: AuthorityStatus, proxies: [ProxyStatus], problems: [Diagnostic],
        refusedHandshakes: [String: [String: Int]]? = nil
    ) {
        self.version = version
        self.revision = revision
        self.publishedRevision = publishedRevision
        self.trustDomain = trustDomain
        self.startedAt = startedAt
        self.now = now
        self.authority = authority
        self.proxies = proxies
        self.problems = problems
        self.refusedHandshakes = refusedHandshakes
    }
}

/// The certificate authority's own certificates.
package struct AuthorityStatus: Hashable, Sendable, Codable {
    /// SHA-256 of the root certificate, hexadecimal.
    package var rootFingerprint: String
    package var rootExpiresAt: Int64
    package var intermediateExpiresAt: Int64
    /// When their lives began; nil of a control plane that does not tell.
    package var rootIssuedAt: Int64?
    package var intermediateIssuedAt: Int64?
    /// SHA-256 of every root that is trusted, the issuing one first; two while the root is being rotated.
    package var trustedRoots: [String]?
    /// The phase of a rotation of the root; nil while none runs.
    package var rotation: String?
    /// Whether the root's key is kept elsewhere.
    package var isRootOffline: Bool?
    /// Whether the authority's keys are encrypted on disk.
    package var isEncrypted: Bool?

    package init(
        rootFingerprint: String, rootExpiresAt: Int64, intermediateExpiresAt: Int64, rootIssuedAt: Int64? = nil,
        intermediateIssuedAt: Int64? = nil, trustedRoots: [String]? = nil,
        rotation: String? = nil, isRootOffline: Bool? = nil, isEncrypted: Bool? = nil
    ) {
        self.rootFingerprint = rootFingerprint
        self.rootExpiresAt = rootExpiresAt
        self.intermediateExpiresAt = intermediateExpiresAt
        self.rootIssuedAt = rootIssuedAt
        self.intermediateIssuedAt = intermediateIssuedAt
        self.trustedRoots = trustedRoots
        self.rotation = rotation
        self.isRootOffline = isRootOffline
        self.isEncrypted = isEncrypted
    }
}

/// One proxy, or one client that takes configuration.
package struct ProxyStatus: Hashable, Sendable, Codable {
    /// `namespace/name`; nil for a client that registered no workload.
    package var workload: String?
    /// `name.namespace`; nil likewise.
    package var service: String?
    /// The SPIFFE ID it proved.
    package var identity: String
    /// Where peers reach it; nil for a client that registered no workload.
    package var address: String?
    /// The `version` label; empty where it has none.
    package var serviceVersion: String
    /// The proxy's own version; empty where it told none.
    package var proxyVersion: String
    package var client: Client
    package var state: State
    /// Why it is not ready; nil when it is.
    package var cause: String?
    /// When its present connection began; nil while it is gone.
    package var connectedSince: Int64?
    package var certificateExpiresAt: Int64?
    package var certificateSerial: String?
    /// When its certificate begins, seconds since 1970; nil where its proxy does not say.
    package var certificateNotBefore: Int64?
    /// SHA-256 of the root that its certificate leads to; nil where its proxy does not say, or trusts none such.
    package var certificateRoot: String?
    /// SHA-256 of each root of the mesh that its proxy trusts; nil where it does not say.
    package var trustedRoots: [String]?
    /// The version of the trust in force at its proxy; nil where it does not say.
    package var trustVersion: UInt64?
    /// How far the proxy's clock is before the control plane's, in milliseconds, as of its last counters; the way of
    /// the message makes it a little too small. Nil before the first.
    package var clockOffsetMilliseconds: Int64?
    /// The application's ports that callers without a certificate may use.
    package var unencryptedPorts: [Int]?
    /// One for each type it subscribes to, in the order listeners, routes, clusters, endpoints.
    package var discovery: [DiscoveryStatus]

    package init(
        workload: String?, service: String?, identity: String, address: String?, serviceVersion: String = "",
        proxyVersion: String = "", client: Client, state: State, cause: String? = nil, connectedSince: Int64? = nil,
        certificateExpiresAt: Int64? = nil, certificateSerial: String? = nil,
        certificateNotBefore: Int64? = nil, certificateRoot: String? = nil, trustedRoots: [String]? = nil,
        trustVersion: UInt64? = nil, clockOffsetMilliseconds: Int64? = nil,
        unencryptedPorts: [Int]? = nil, discovery: [DiscoveryStatus] = []
    ) {
        self.workload = workload
        self.service = service
        self.identity = identity
        self.address = address
        self.serviceVersion = serviceVersion
        self.proxyVersion = proxyVersion
        self.client = client
        self.state = state
        self.cause = cause
        self.connectedSince = connectedSince
        self.certificateExpiresAt = certificateExpiresAt
        self.certificateSerial = certificateSerial
        self.certificateNotBefore = certificateNotBefore
        self.certificateRoot = certificateRoot
        self.trustedRoots = trustedRoots
        self.trustVersion = trustVersion
        self.clockOffsetMilliseconds = clockOffsetMilliseconds
        self.unencryptedPorts = unencryptedPorts
        self.discovery = discovery
    }

    package enum Client: String, Hashable, Sendable, Codable, CaseIterable {
        case weft
        case envoy
        case grpc
    }

    package enum State: String, Hashable, Sendable, Codable, CaseIterable {
        case ready
        case notReady
        case draining
        /// Its connection is gone; its lease still runs and its endpoints are kept.
        case lost
        /// Its identity is revoked: nobody takes its calls, and the control plane refuses it.
        case revoked
        /// Takes configuration and registered no workload.
        case client
    }

    /// The lowest revision that it has confirmed over all types; nil before it confirmed any.
    package var acknowledgedRevision: Revision? { self.discovery.compactMap(\.acknowledgedRevision).min() }

    /// Whether it has confirmed everything it was sent.
    package var isCurrent: Bool {
        !self.discovery.isEmpty && self.discovery.allSatisfy { $0.pending == 0 && $0.rejection == nil }
    }
}

/// One type of resource on one proxy's discovery stream.
package struct DiscoveryStatus: Hashable, Sendable, Codable {
    /// `listeners`, `routes`, `clusters`, `endpoints`, or another type's URL.
    package var type: String
    /// Resources that it asked for and holds.
    package var resources: Int
    /// The newest revision with which this type is in step: everything up to it has been confirmed.
    package var acknowledgedRevision: Revision?
    /// Responses sent and not yet confirmed.
    package var pending: Int
    /// The last response that it refused, until it takes a newer one.
    package var rejection: Rejection?

    package init(
        type: String, resources: Int, acknowledgedRevision: Revision?, pending: Int, rejection: Rejection? = nil
    ) {
        self.type = type
        self.resources = resources
        self.acknowledgedRevision = acknowledgedRevision
        self.pending = pending
        self.rejection = rejection
    }

    package struct Rejection: Hashable, Sendable, Codable {
        package var revision: Revision
        package var message: String
        package var at: Int64

        package init(revision: Revision, message: String, at: Int64) {
            self.revision = revision
            self.message = message
            self.at = at
        }
    }
}
