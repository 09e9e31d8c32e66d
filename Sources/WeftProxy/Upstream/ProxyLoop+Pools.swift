internal import WeftModel
internal import WeftTraffic

// The connections that a loop has to the endpoints of its clusters.

extension ProxyLoop {
    /// The connections to an endpoint, under the identity in force.
    func pool(of endpoint: UpstreamEndpoint, in cluster: ClusterTraffic) -> EndpointPool {
        if let attachment = endpoint.attachment {
            let pool = unsafeDowncast(attachment, to: EndpointPool.self)
            if pool.serves(self.security) { return pool }
            pool.retire()
        }
        let pool = self.makePool(
            to: endpoint.endpoint, in: cluster.cluster, limits: Self.poolLimits(of: cluster.cluster), circuit: cluster,
            picked: endpoint)
        endpoint.attachment = pool
        return pool
    }

    /// Connections made under an older policy get the limits of this one; where they lead elsewhere now, or are made in
    /// another way, they end as soon as they carry nothing, and new ones are made.
    func refit(poolsOf cluster: ClusterTraffic) {
        let limits = Self.poolLimits(of: cluster.cluster)
        for endpoint in cluster.balancer.endpoints {
            guard let attachment = endpoint.attachment else { continue }
            let pool = unsafeDowncast(attachment, to: EndpointPool.self)
            if pool.target == Self.target(endpoint.endpoint, in: cluster.cluster) {
                pool.update(limits)
            } else {
                self.retirePool(of: endpoint)
            }
        }
    }

    private static func poolLimits(of cluster: Cluster) -> ConnectionPool.Limits {
        ConnectionPool.Limits(
            connections: cluster.limits.connections ?? 1024, waiting: cluster.limits.pendingRequests,
            expectedRoom: Self.codec(in: cluster) == .http2 ? 100 : 1)
    }

    private static func codec(in cluster: Cluster) -> UpstreamTarget.Codec {
        cluster.isMutual || cluster.appProtocol.isHTTP2 ? .http2 : .http1
    }

    private static func target(_ endpoint: Endpoint, in cluster: Cluster) -> UpstreamTarget {
        let transport: UpstreamTarget.Transport =
            switch cluster.transport {
            case .plaintext: .plaintext
            case .tls(let tls): .tls(tls)
            case .mutualTLS(let peers): .mutualTLS(endpoint.identity.map { [$0] } ?? peers)
            }
        return UpstreamTarget(
            address: endpoint.address, port: endpoint.port, transport: transport, codec: Self.codec(in: cluster),
            connectTimeout: cluster.connectTimeout)
    }

    /// New connections to an endpoint, under the identity in force. With `circuit` they count among its cluster's.
    func makePool(
        to endpoint: Endpoint, in cluster: Cluster, limits: ConnectionPool.Limits, circuit: ClusterTraffic? = nil,
        picked: UpstreamEndpoint? = nil
    ) -> EndpointPool {
        EndpointPool(
            target: Self.target(endpoint, in: cluster), limits: limits,
            security: cluster.isMutual ? self.security : nil, loop: self, circuit: circuit, endpoint: picked)
    }
}
