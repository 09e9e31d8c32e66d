internal import Crypto
internal import FoundationEssentials
internal import NIOCore
internal import NIOSSL
package import WeftIdentity
package import WeftModel

/// What one generation of a workload's identity gives connections: TLS 1.3 both ways, and who is believed.
///
/// Immutable and shared by all loops; a new identity makes a new one, and connections keep the one they began with.
package final class TransportSecurity: Sendable {
    package let identity: WorkloadIdentity
    let verifier: SVIDVerifier
    private let server: NIOSSLContext
    private let client: NIOSSLContext
    /// What callers proved themselves with, for the sessions they resume.
    private let proved = ProvedChains()

    /// Builds both contexts; throws when the key or a certificate cannot be read, or nobody could be believed.
    ///
    /// - Parameter trust: who is believed; nil believes the identity's own roots, and refuses nobody else.
    package init(identity: WorkloadIdentity, trust: TrustState? = nil) throws {
        self.identity = identity
        self.verifier = try Self.verifier(identity, trust)
        let chain = try identity.chain.map {
            NIOSSLCertificateSource.certificate(try NIOSSLCertificate(bytes: $0, format: .der))
        }
        let key = NIOSSLPrivateKeySource.privateKey(try NIOSSLPrivateKey(bytes: identity.keyDER, format: .der))
        var server = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: key)
        server.minimumTLSVersion = .tlsv13
        // Demands a certificate; whether it is good is decided by `SVIDVerifier` alone.
        server.certificateVerification = .noHostnameVerification
        server.trustRoots = .certificates([])
        server.applicationProtocols = ["h2", "http/1.1"]
        self.server = try NIOSSLContext(configuration: server)
        var client = TLSConfiguration.makeClientConfiguration()
        client.certificateChain = chain
        client.privateKey = key
        client.minimumTLSVersion = .tlsv13
        client.certificateVerification = .noHostnameVerification
        client.trustRoots = .certificates([])
        client.applicationProtocols = ["h2"]
        self.client = try NIOSSLContext(configuration: client)
    }

    private init(_ other: TransportSecurity, identity: WorkloadIdentity, verifier: SVIDVerifier) {
        self.identity = identity
        self.verifier = verifier
        self.server = other.server
        self.client = other.client
    }

    /// The same certificate, with others believed. Throws when nobody could be.
    package func trusting(_ trust: TrustState?, as identity: WorkloadIdentity) throws -> TransportSecurity {
        TransportSecurity(self, identity: identity, verifier: try Self.verifier(identity, trust))
    }

    private static func verifier(_ identity: WorkloadIdentity, _ trust: TrustState?) throws -> SVIDVerifier {
        if let trust { try SVIDVerifier(trust) } else { try identity.verifier() }
    }

    /// Whether both show the same certificate, so that they differ at most in whom they believe.
    func isSameCertificate(as other: TransportSecurity) -> Bool { self.server === other.server }

    /// Why a peer that was believed earlier is not any more; nil where it is.
    func refusal(of peer: SPIFFEID) -> SVIDError? { self.verifier.refusal(of: peer) }

    /// The handler of a connection from a peer, which must prove any identity of a trusted domain.
    func serverHandler(reportingTo handshake: PeerHandshake) -> NIOSSLServerHandler {
        let (verifier, proved) = (self.verifier, self.proved)
        return NIOSSLServerHandler(context: self.server) { chain, verdict in
            let isGood = handshake.judge(chain, with: verifier, expecting: [], noting: proved)
            verdict.succeed(isGood ? .certificateVerified : .failed)
        }
    }

    /// Judges the caller of a resumed session, of which the library asked nobody; false when it is not to be served.
    func admitsResumed(_ leaf: NIOSSLCertificate?, reportingTo handshake: PeerHandshake) -> Bool {
        handshake.judgeResumed(leaf, with: self.verifier, from: self.proved)
    }

    /// The handler of a connection to a peer, which must prove one of `expected`.
    func clientHandler(
        expecting expected: [SPIFFEID], reportingTo handshake: PeerHandshake
    ) throws -> NIOSSLClientHandler {
        let verifier = self.verifier
        return try NIOSSLClientHandler(context: self.client, serverHostname: nil) { chain, verdict in
            verdict.succeed(
                handshake.judge(chain, with: verifier, expecting: expected) ? .certificateVerified : .failed)
        }
    }
}

/// What one handshake found out about the peer. Belongs to its connection's event loop.
final class PeerHandshake {
    /// Who the peer proved to be.
    private(set) var peer: SVIDVerifier.Peer?
    /// The SHA-256 of the peer's leaf, lower-case hex.
    private(set) var leafHash = ""
    /// Why it was refused.
    private(set) var refusal: SVIDError?

    fileprivate func judge(
        _ chain: [NIOSSLCertificate], with verifier: SVIDVerifier, expecting expected: [SPIFFEID],
        noting proved: ProvedChains? = nil
    ) -> Bool {
        var presented: [[UInt8]] = []
        do {
            for certificate in chain { presented.append(try certificate.toDERBytes()) }
        } catch {
            self.refusal = .malformed("\(error)")
            return false
        }
        do throws(SVIDError) {
            self.peer = try verifier.verify(presented, expecting: expected, now: Date())
        } catch {
            self.refusal = error
            return false
        }
        proved?.note(presented)
        self.leafHash = presented.first.map(Self.hash) ?? ""
        return true
    }

    fileprivate func judgeResumed(
        _ leaf: NIOSSLCertificate?, with verifier: SVIDVerifier, from proved: ProvedChains
    ) -> Bool {
        let der = try? leaf?.toDERBytes()
        do throws(SVIDError) {
            self.peer = try proved.verify(leaf: der, by: verifier, now: Date())
        } catch {
            self.refusal = error
            return false
        }
        self.leafHash = der.map(Self.hash) ?? ""
        return true
    }

    private static func hash(_ leaf: [UInt8]) -> String {
        SHA256.hash(data: leaf).reduce(into: "") { text, byte in
            let digits = String(byte, radix: 16)
            text += digits.utf8.count == 1 ? "0" + digits : digits
        }
    }
}
