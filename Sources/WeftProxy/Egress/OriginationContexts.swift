internal import NIOSSL
internal import Synchronization
internal import WeftIdentity
internal import WeftModel

/// The TLS contexts for destinations outside the mesh, shared by all loops. Loading roots takes a while, so they are made
/// when a snapshot comes and not when the first request does.
final class OriginationContexts: Sendable {
    private struct Key: Hashable {
        let rootsFile: String?
        let isHTTP2: Bool
        /// The handshake itself checks the name that is asked for.
        let checksServerName: Bool
    }

    private let contexts = Mutex<[Key: Result<NIOSSLContext, OriginationFailure>]>([:])

    private static func key(_ tls: TLSOrigination, isHTTP2: Bool) -> Key {
        Key(rootsFile: tls.rootsFile, isHTTP2: isHTTP2, checksServerName: tls.names == [tls.serverName])
    }

    /// Makes what these clusters need, and lets go of the rest.
    func prepare(_ clusters: some Sequence<Cluster>) {
        var needed: Set<Key> = []
        for cluster in clusters {
            if case .tls(let tls) = cluster.transport {
                needed.insert(Self.key(tls, isHTTP2: cluster.appProtocol.isHTTP2))
            }
        }
        let missing = self.contexts.withLock { contexts in
            contexts = contexts.filter { needed.contains($0.key) && (try? $0.value.get()) != nil }
            return needed.subtracting(contexts.keys)
        }
        for key in missing {
            let made = Self.make(key)
            self.contexts.withLock { $0[key] = made }
        }
    }

    /// The handler for one connection. Throws `OriginationFailure` when the roots could not be read.
    func handler(_ tls: TLSOrigination, isHTTP2: Bool) throws -> NIOSSLClientHandler {
        let key = Self.key(tls, isHTTP2: isHTTP2)
        let context = self.contexts.withLock { $0[key] } ?? Self.make(key)
        return try NIOSSLClientHandler(context: try context.get(), serverHostname: tls.serverName)
    }

    private static func make(_ key: Key) -> Result<NIOSSLContext, OriginationFailure> {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.certificateVerification = key.checksServerName ? .fullVerification : .noHostnameVerification
        configuration.applicationProtocols = key.isHTTP2 ? ["h2"] : ["http/1.1"]
        if let file = key.rootsFile { configuration.trustRoots = .file(file) }
        do {
            return .success(try NIOSSLContext(configuration: configuration))
        } catch {
            return .failure(OriginationFailure(cause: "the roots \(key.rootsFile ?? "of the host"): \(error)"))
        }
    }

    /// Whether a certificate carries one of the names that `tls` wants. A `*` stands for one whole first label.
    static func isProved(_ tls: TLSOrigination, by certificate: NIOSSLCertificate?) -> Bool {
        if tls.names == [tls.serverName] { return true }
        guard let certificate, let bytes = try? certificate.toDERBytes(),
            let names = CertificateNames.dns(ofDER: bytes)
        else { return false }
        return names.contains { presented in
            tls.names.contains { Self.matches(presented.lowercased(), $0) }
        }
    }

    private static func matches(_ presented: String, _ name: String) -> Bool {
        if presented == name { return true }
        guard presented.hasPrefix("*."), let dot = name.firstIndex(of: ".") else { return false }
        return name[dot...] == presented.dropFirst()
    }
}

/// Why no TLS can be spoken to a destination.
struct OriginationFailure: Error, CustomStringConvertible {
    let cause: String
    var description: String { self.cause }
}
