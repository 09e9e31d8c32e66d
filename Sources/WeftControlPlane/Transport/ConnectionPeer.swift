internal import GRPCCore
internal import Synchronization
internal import WeftIdentity

/// Who is at the other end of one connection. Empty until the handshake proved it, and for ever on a connection whose
/// peer showed no certificate.
final class ConnectionPeer: Sendable {
    private struct State {
        var peer: SVIDVerifier.Peer?
        var refusal: SVIDError?
    }

    private let state = Mutex(State())

    /// The verified peer; nil for one that showed no certificate.
    var verified: SVIDVerifier.Peer? { self.state.withLock { $0.peer } }
    /// Why the certificate that was shown is not taken; nil where there is no such.
    var refusal: SVIDError? { self.state.withLock { $0.refusal } }

    func prove(_ peer: SVIDVerifier.Peer) { self.state.withLock { $0.peer = peer } }
    func refuse(_ error: SVIDError) { self.state.withLock { $0.refusal = error } }
}

/// The live connections' peers, by the two addresses that name a connection.
///
/// The gRPC transport tells its services only these addresses, so they are how a call finds its connection's peer.
final class ConnectionPeers: Sendable {
    struct Key: Hashable, Sendable {
        /// As the gRPC transport writes them: `ipv4:127.0.0.1:41234`.
        let remote: String
        let local: String
    }

    private let peers = Mutex<[Key: ConnectionPeer]>([:])

    /// Takes up a connection; false when there are `limit` already.
    func open(_ key: Key, _ peer: ConnectionPeer, limit: Int) -> Bool {
        self.peers.withLock { peers in
            guard peers.count < limit else { return false }
            peers[key] = peer
            return true
        }
    }

    /// Forgets a connection, unless its addresses belong to a newer one by now.
    func close(_ key: Key, _ peer: ConnectionPeer) {
        self.peers.withLock { peers in
            if peers[key] === peer { peers[key] = nil }
        }
    }

    /// Connections open now.
    var count: Int { self.peers.withLock { $0.count } }

    subscript(key: Key) -> ConnectionPeer? { self.peers.withLock { $0[key] } }
}

/// What the mesh's transport tells a service about the connection a call came on.
struct CallPeer: ServerContext.TransportSpecific {
    /// Who is calling; nil when the connection showed no certificate.
    let verified: SVIDVerifier.Peer?
    /// Its identity has been revoked since the handshake.
    var isRevoked = false
}
