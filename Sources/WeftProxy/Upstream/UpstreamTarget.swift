internal import WeftIdentity
internal import WeftModel

/// Whom a pool connects to, and how: pools are kept by this.
struct UpstreamTarget: Hashable, Sendable {
    var address: String
    var port: Int
    var transport: Transport
    /// HTTP/2 between sidecars always.
    var codec: Codec
    /// TCP connect plus TLS handshake.
    var connectTimeout: Duration

    /// What is spoken on the connections.
    enum Codec: Hashable, Sendable {
        case http1, http2
        /// Bytes of one stream, as they are.
        case raw
    }

    enum Transport: Hashable, Sendable {
        case plaintext
        /// The peer must prove one of these.
        case mutualTLS([SPIFFEID])
        /// To a destination outside the mesh.
        case tls(TLSOrigination)
    }

    /// Whether the peer proves an identity of the mesh.
    var isTLS: Bool { if case .mutualTLS = self.transport { true } else { false } }
}

/// Why no connection came about.
struct ConnectFailure: Error, Hashable, Sendable {
    /// `connect_failed`, `connect_timeout`, `tls_failed`, `peer_identity_mismatch`, `overflow` or `draining`.
    var reason: Reason
    var cause: String
    /// Which handshake failure it was, in the word of the handshake counter; nil where none failed.
    var handshake: String?

    init(reason: Reason, cause: String, handshake: String? = nil) {
        self.reason = reason
        self.cause = cause
        self.handshake = handshake
    }

    init(_ failure: HandshakeFailure) {
        self.init(reason: failure.reason, cause: failure.cause, handshake: failure.label)
    }
}
