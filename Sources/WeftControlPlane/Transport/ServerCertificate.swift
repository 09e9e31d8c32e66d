internal import NIOSSL
internal import Synchronization
internal import WeftIdentity

/// The certificate that the control plane's listeners serve with, replaceable while they run: each new connection takes
/// the newest.
final class ServerCertificate: Sendable {
    struct Generation: Sendable {
        let context: NIOSSLContext
        let identity: WorkloadIdentity
        /// What callers proved themselves with, for the sessions they resume.
        let proved = ProvedChains()
    }

    private let current: Mutex<Generation>
    private let alpn: [String]

    init(_ identity: WorkloadIdentity, alpn: [String]) throws {
        self.alpn = alpn
        self.current = Mutex(try Self.generation(identity, alpn))
    }

    var generation: Generation { self.current.withLock { $0 } }

    /// Serves new connections with another certificate; those that exist keep theirs.
    func replace(_ identity: WorkloadIdentity) throws {
        let next = try Self.generation(identity, self.alpn)
        self.current.withLock { $0 = next }
    }

    private static func generation(_ identity: WorkloadIdentity, _ alpn: [String]) throws -> Generation {
        Generation(
            context: try NIOSSLContext(configuration: try Self.configuration(identity, alpn)), identity: identity)
    }

    /// TLS 1.3 with a client certificate that is verified if shown. Who may do what without one is decided by call.
    private static func configuration(_ identity: WorkloadIdentity, _ alpn: [String]) throws -> TLSConfiguration {
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: try identity.chain.map { .certificate(try NIOSSLCertificate(bytes: $0, format: .der)) },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: identity.keyDER, format: .der)))
        tls.minimumTLSVersion = .tlsv13
        // What is shown is judged by `SVIDVerifier` alone, which goes by what is trusted at that moment.
        tls.certificateVerification = .optionalVerification
        tls.trustRoots = .certificates([])
        tls.applicationProtocols = alpn
        return tls
    }
}
