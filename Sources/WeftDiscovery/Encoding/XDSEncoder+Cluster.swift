internal import SwiftProtobuf
internal import WeftModel
internal import WeftProtos

extension XDSEncoder {
    func cluster(_ cluster: Cluster) throws -> Envoy_Config_Cluster_V3_Cluster {
        try .with {
            $0.name = cluster.name
            if let resolution = cluster.resolution {
                $0.type = .strictDns
                $0.dnsLookupFamily = .v4Preferred
                $0.loadAssignment = self.assignment(of: resolution, named: cluster.name)
            } else {
                $0.type = .eds
                $0.edsClusterConfig.edsConfig = adsSource
            }
            // Zero is refused; a millisecond is as good as none.
            $0.connectTimeout = Google_Protobuf_Duration(max(cluster.connectTimeout, .milliseconds(1)))
            $0.lbPolicy = self.policy(cluster.loadBalancing)
            if case .mutualTLS(let peers) = cluster.transport {
                $0.transportSocket.name = "envoy.transport_sockets.tls"
                $0.transportSocket.typedConfig = try pack(self.upstreamTLS(peers: peers))
            }
            self.balancing(of: cluster, in: &$0)
            if case .tls(let tls) = cluster.transport {
                $0.transportSocket.name = "envoy.transport_sockets.tls"
                $0.transportSocket.typedConfig = try pack(self.originatedTLS(tls, isHTTP2: cluster.appProtocol.isHTTP2))
            }
            switch self.dialect {
            case .weft: $0.metadata = try weftMetadata(self.clusterExtension(cluster))
            case .grpc:
                $0.circuitBreakers.thresholds = [
                    .with { $0.maxRequests = self.limit(cluster.limits.requests) }
                ]
                // Has the client report how its calls end.
                $0.lrsServer.self_p = .with { $0.transportApiVersion = .v3 }
            case .envoy:
                $0.circuitBreakers.thresholds = [self.thresholds(cluster)]
                if cluster.isMutual || cluster.appProtocol.isHTTP2 {
                    $0.typedExtensionProtocolOptions[Self.httpOptionsName] = try pack(
                        .with {
                            $0.explicitHTTPConfig.http2ProtocolOptions = Envoy_Config_Core_V3_Http2ProtocolOptions()
                        } as Envoy_Extensions_Upstreams_Http_V3_HttpProtocolOptions)
                }
            }
        }
    }

    private static let httpOptionsName = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"

    private func policy(_ balancing: LoadBalancing) -> Envoy_Config_Cluster_V3_Cluster.LbPolicy {
        // gRPC clients of this generation refuse all but round robin and ring hash.
        if self.dialect == .grpc { return balancing.isHashing ? .ringHash : .roundRobin }
        return switch balancing {
        case .peakEWMA, .leastRequest: .leastRequest
        case .roundRobin: .roundRobin
        case .random: .random
        case .ringHash: .ringHash
        case .maglev: .maglev
        }
    }

    private func thresholds(_ cluster: Cluster) -> Envoy_Config_Cluster_V3_CircuitBreakers.Thresholds {
        .with {
            $0.maxConnections = self.limit(cluster.limits.connections)
            $0.maxPendingRequests = self.limit(cluster.limits.pendingRequests)
            $0.maxRequests = self.limit(cluster.limits.requests)
            if let retries = cluster.limits.retries {
                // Envoy takes either a limit or a budget.
                $0.maxRetries = self.limit(retries)
                return
            }
            $0.retryBudget.budgetPercent.value = cluster.retryBudget.ratio * 100
            $0.retryBudget.minRetryConcurrency = Google_Protobuf_UInt32Value(
                UInt32(clamping: max(1, cluster.retryBudget.minPerSecond)))
        }
    }

    /// Absent would mean 1024; unlimited has to be said.
    private func limit(_ value: Int?) -> Google_Protobuf_UInt32Value {
        Google_Protobuf_UInt32Value(value.map { UInt32(clamping: $0) } ?? UInt32(Int32.max))
    }

    private func upstreamTLS(peers: [SPIFFEID]) -> Envoy_Extensions_TransportSockets_Tls_V3_UpstreamTlsContext {
        .with {
            $0.commonTlsContext = .with {
                $0.alpnProtocols = ["h2"]
                $0.combinedValidationContext.defaultValidationContext = self.validation(of: peers)
                switch self.dialect {
                case .weft: break
                case .envoy:
                    $0.tlsParams.tlsMinimumProtocolVersion = .tlsv13
                    $0.tlsParams.tlsMaximumProtocolVersion = .tlsv13
                    $0.tlsCertificateSdsSecretConfigs = [.with { $0.name = Self.identitySecretName }]
                    $0.combinedValidationContext.validationContextSdsSecretConfig.name = Self.trustSecretName
                case .grpc: $0.tlsCertificateProviderInstance.instanceName = Self.certificateProviderName
                }
            }
        }
    }

    /// TLS to a destination outside the mesh, which proves a name and not an identity.
    private func originatedTLS(
        _ tls: TLSOrigination, isHTTP2: Bool
    ) -> Envoy_Extensions_TransportSockets_Tls_V3_UpstreamTlsContext {
        .with {
            $0.sni = tls.serverName
            $0.commonTlsContext = .with {
                if isHTTP2 { $0.alpnProtocols = ["h2"] }
                if self.dialect != .grpc { $0.tlsParams.tlsMaximumProtocolVersion = .tlsv13 }
                $0.validationContext = .with {
                    if let file = tls.rootsFile {
                        $0.trustedCa.filename = file
                    } else {
                        $0.systemRootCerts = .init()
                    }
                    $0.matchTypedSubjectAltNames = tls.names.map { name in
                        .with {
                            $0.sanType = .dns
                            $0.matcher.exact = name
                        }
                    }
                }
            }
        }
    }

    private func assignment(
        of resolution: DNSResolution, named name: String
    ) -> Envoy_Config_Endpoint_V3_ClusterLoadAssignment {
        .with {
            $0.clusterName = name
            $0.endpoints = [
                .with {
                    $0.lbEndpoints = [
                        .with { $0.endpoint.address = socketAddress(resolution.host, resolution.port) }
                    ]
                }
            ]
        }
    }

    private func validation(
        of peers: [SPIFFEID]
    ) -> Envoy_Extensions_TransportSockets_Tls_V3_CertificateValidationContext {
        .with {
            if self.dialect == .grpc {
                $0.caCertificateProviderInstance.instanceName = Self.certificateProviderName
                $0.matchSubjectAltNames = peers.map { peer in .with { $0.exact = peer.description } }
            } else {
                $0.matchTypedSubjectAltNames = peers.map { peer in
                    .with {
                        $0.sanType = .uri
                        $0.matcher.exact = peer.description
                    }
                }
            }
        }
    }

    private func clusterExtension(_ cluster: Cluster) -> Weft_V1_ClusterExtension {
        .with {
            $0.namespace = cluster.service.namespace
            $0.service = cluster.service.name
            $0.loadBalancing = cluster.loadBalancing.rawValue
            $0.appProtocol = cluster.appProtocol.rawValue
            $0.budgetRatio = cluster.retryBudget.ratio
            $0.budgetMinPerSecond = UInt32(clamping: cluster.retryBudget.minPerSecond)
            $0.budgetWindow = Google_Protobuf_Duration(cluster.retryBudget.window)
            $0.maxConnections = UInt32(clamping: cluster.limits.connections ?? 0)
            $0.maxPendingRequests = UInt32(clamping: cluster.limits.pendingRequests)
            $0.maxRequests = UInt32(clamping: cluster.limits.requests ?? 0)
            if let retries = cluster.limits.retries { $0.maxRetries = UInt32(clamping: retries) }
            $0.balancing = Weft_V1_Balancing(cluster.balancing)
            $0.outliers = Weft_V1_Outliers(cluster.outliers)
            if let check = cluster.healthCheck { $0.healthCheck = Weft_V1_HealthCheck(check) }
            if let admission = cluster.admission { $0.admission = Weft_V1_Admission(admission) }
            if let provenance = cluster.provenance { $0.provenance = Weft_V1_Provenance(provenance) }
            $0.sources = wireSources(cluster.sources)
        }
    }

    // MARK: Endpoints

    func assignment(_ endpoints: ClusterEndpoints) throws -> Envoy_Config_Endpoint_V3_ClusterLoadAssignment {
        var localities: [Locality: [Endpoint]] = [:]
        var addresses: Set<String> = []
        for endpoint in endpoints.endpoints {
            // gRPC refuses an address that comes twice.
            if self.dialect == .grpc, !addresses.insert("\(endpoint.address) \(endpoint.port)").inserted { continue }
            localities[endpoint.locality, default: []].append(endpoint)
        }
        let sorted = localities.sorted {
            ($0.key.region, $0.key.zone, $0.key.subZone) < ($1.key.region, $1.key.zone, $1.key.subZone)
        }
        return try .with {
            $0.clusterName = endpoints.cluster
            $0.endpoints = try sorted.map { locality, endpoints in
                try .with {
                    $0.locality = .with {
                        $0.region = locality.region
                        $0.zone = locality.zone
                        $0.subZone = locality.subZone
                    }
                    let weight = endpoints.reduce(0) { $0 + $1.weight }
                    $0.loadBalancingWeight = Google_Protobuf_UInt32Value(UInt32(clamping: max(1, weight)))
                    $0.lbEndpoints = try endpoints.map(self.endpoint)
                }
            }
        }
    }

    private func endpoint(_ endpoint: Endpoint) throws -> Envoy_Config_Endpoint_V3_LbEndpoint {
        try .with {
            $0.endpoint.address = socketAddress(endpoint.address, endpoint.port)
            $0.healthStatus = .healthy
            $0.loadBalancingWeight = Google_Protobuf_UInt32Value(UInt32(clamping: max(1, endpoint.weight)))
            if self.dialect == .weft {
                $0.metadata = try weftMetadata(
                    .with {
                        $0.workload = endpoint.workload
                        $0.identity = endpoint.identity?.description ?? ""
                        $0.version = endpoint.version
                    } as Weft_V1_EndpointExtension)
            }
        }
    }
}
