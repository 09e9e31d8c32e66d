internal import FoundationEssentials
package import GRPCCore
package import GRPCNIOTransportHTTP2Posix
internal import NIOCore
internal import NIOSSL
internal import Synchronization
package import WeftIdentity
internal import WeftModel

/// How a sidecar's or an agent's connections to the control plane are made: where, and whom they must meet there.
package struct ControlPlaneConnection: Sendable {
    package typealias Transport = HTTP2ClientTransport.Posix

    package let access: ControlPlaneAccess
    /// Why the last one who answered was not the control plane; gRPC tells only that a handshake failed.
    package let refusal = PeerRefusal()

    package init(access: ControlPlaneAccess) { self.access = access }

    /// Calls may carry a whole mesh's endpoints; gRPC's own limit is 4 MiB.
    package static let options: CallOptions = {
        var options = CallOptions.defaults
        options.maxResponseMessageBytes = 256 << 20
        return options
    }()

    /// A connection under an identity: the other side must be the control plane of the same trust domain, by what is
    /// trusted at that moment.
    func transport(as identity: WorkloadIdentity, trusting trust: TrustKeeper) throws -> Transport {
        try self.transport(as: identity) { trust.held?.verifier }
    }

    /// The same by `trusted`, which is asked at every handshake; where it knows nothing, the identity's own roots are.
    package func transport(
        as identity: WorkloadIdentity, trusted: @escaping @Sendable () -> SVIDVerifier?
    ) throws -> Transport {
        let own = try identity.verifier()
        let expected = CertificateAuthority.controlPlaneID(in: identity.id.trustDomain)
        return try self.transport(
            security: .mTLS(
                certificateChain: identity.chain.map { .bytes($0, format: .der) },
                privateKey: .bytes(identity.keyDER, format: .der)
            ) { tls in
                tls.serverCertificateVerification = .noHostnameVerification
                tls.customVerificationCallback = self.verification { presented in
                    let verifier = trusted() ?? own
                    _ = try verifier.verify(presented, expecting: [expected], now: Date())
                }
            })
    }

    /// A connection without an identity, to join: the other side must hold the root that the token names.
    package func transport(pinning fingerprint: String) throws -> Transport {
        try self.transport(
            security: .tls { tls in
                tls.serverCertificateVerification = .noHostnameVerification
                tls.customVerificationCallback = self.verification { presented in
                    let peer = try SVIDVerifier.verifyPinned(
                        presented, rootFingerprint: fingerprint, now: Date()
                    ).peer
                    let expected = CertificateAuthority.controlPlaneID(in: peer.id.trustDomain)
                    guard peer.id == expected else {
                        throw SVIDError.wrongIdentity(expected: [expected], found: peer.id)
                    }
                }
            })
    }

    private func transport(security: Transport.TransportSecurity) throws -> Transport {
        let target: any ResolvableTarget =
            if (try? SocketAddress(ipAddress: self.access.host, port: self.access.port)) == nil {
                .dns(host: self.access.host, port: self.access.port)
            } else if self.access.host.contains(":") {
                .ipv6(address: self.access.host, port: self.access.port)
            } else {
                .ipv4(address: self.access.host, port: self.access.port)
            }
        return try Transport(
            target: target, transportSecurity: security,
            config: .defaults { config in
                // An IP address is not a server name; who answers is proved by SPIFFE ID, not by this.
                config.http2.authority = "control.weft"
                config.connection.keepalive = .init(
                    time: .seconds(30), timeout: .seconds(10), allowWithoutCalls: false)
                config.backoff = .init(initial: .milliseconds(200), max: .seconds(5), multiplier: 1.6, jitter: 0.2)
            })
    }

    private func verification(
        _ verify: @escaping @Sendable ([[UInt8]]) throws -> Void
    ) -> @Sendable ([NIOSSLCertificate], EventLoopPromise<NIOSSLVerificationResultWithMetadata>) -> Void {
        { [refusal = self.refusal, access = self.access] certificates, promise in
            do {
                try verify(certificates.map { try $0.toDERBytes() })
                refusal.note(nil)
                promise.succeed(.certificateVerified(VerificationMetadata(ValidatedCertificateChain(certificates))))
            } catch {
                let cause = "\(access.host):\(access.port) is not the control plane of this mesh: \(error)"
                refusal.note(cause)
                promise.fail(error)
            }
        }
    }
}

/// Why the last handshake with a control plane failed.
package final class PeerRefusal: Sendable {
    private let cause = Mutex<String?>(nil)

    func note(_ cause: String?) { self.cause.withLock { $0 = cause } }

    /// The cause, once; nil when the last handshake did not fail, or was told already.
    package func take() -> String? {
        self.cause.withLock { cause in
            defer { cause = nil }
            return cause
        }
    }
}
