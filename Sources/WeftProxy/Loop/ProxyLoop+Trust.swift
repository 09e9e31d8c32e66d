internal import Logging
internal import NIOCore
internal import WeftIdentity
internal import WeftModel

// What a loop does when somebody is no longer believed.

extension ProxyLoop {
    /// Keeps a connection whose endpoint proved an identity in mind for as long as it stands.
    func remember(_ connection: UpstreamConnection, on channel: any Channel) {
        self.provedUpstreams[ObjectIdentifier(connection)] = connection
        let bound = NIOLoopBound((self, connection), eventLoop: self.eventLoop)
        channel.closeFuture.whenComplete { _ in
            let (loop, connection) = bound.value
            loop.provedUpstreams[ObjectIdentifier(connection)] = nil
        }
    }

    /// Ends every connection from and to a peer that would be refused now; others notice nothing.
    func endRefusedPeers(by security: TransportSecurity) {
        var refused: [SPIFFEID: (refusal: SVIDError, connections: Int)] = [:]
        func count(_ peer: SPIFFEID, _ refusal: SVIDError) {
            refused[peer, default: (refusal, 0)].connections += 1
        }
        self.reviewConnections { connection in
            guard let peer = connection.peer, let refusal = security.refusal(of: peer) else { return .goesOn }
            if connection.ending == nil { count(peer, refusal) }
            return .ends(.denied, detail: "\(refusal)")
        }
        for connection in Array(self.provedUpstreams.values) {
            guard let peer = connection.peer, connection.refusal == nil, let refusal = security.refusal(of: peer)
            else { continue }
            count(peer, refusal)
            connection.refuse(refusal)
        }
        for (peer, outcome) in refused {
            self.logger.warning(
                "ended the connections of a peer",
                metadata: [
                    "peer": "\(peer)", "cause": "\(outcome.refusal)", "connections": "\(outcome.connections)",
                ])
        }
    }
}
