internal import SwiftProtobuf
internal import WeftModel
internal import WeftProtos

extension XDSDecoder {
    static func cluster(_ cluster: Envoy_Config_Cluster_V3_Cluster) throws(XDSDecodingError) -> Resource {
        func refuse(_ field: String, _ cause: String) -> XDSDecodingError {
            XDSDecodingError(resource: cluster.name, field: field, cause: cause)
        }
        var inline: ClusterEndpoints?
        var resolution: DNSResolution?
        switch cluster.clusterDiscoveryType {
        case .type(.eds): break
        case nil, .type(.static):
            guard cluster.hasLoadAssignment else { throw refuse("load_assignment", "is absent") }
            inline = try self.endpoints(cluster.loadAssignment)
            inline?.cluster = cluster.name
        case .type(.strictDns), .type(.logicalDns): resolution = try self.resolution(of: cluster)
        case .type(let other): throw refuse("type", "\(other) is not supported")
        }
        let known: Weft_V1_ClusterExtension? = try weftExtension(of: cluster.metadata, resource: cluster.name)
        var model = Cluster(
            name: cluster.name,
            service: known.map { ServiceName(namespace: $0.namespace, name: $0.service) }
                ?? ServicePort(parsing: cluster.name)?.service
                ?? ServiceName(namespace: "default", name: cluster.name),
            connectTimeout: cluster.hasConnectTimeout ? cluster.connectTimeout.swiftDuration : .seconds(5),
            transport: try self.transport(of: cluster), resolution: resolution)
        // Nobody is asked for endpoints that the proxy finds itself; until it has, there are none.
        if resolution != nil { inline = ClusterEndpoints(cluster: cluster.name, endpoints: []) }
        if let known {
            try self.apply(known, to: &model)
        } else {
            self.applyStandard(cluster, to: &model)
        }
        let named = cluster.edsClusterConfig.serviceName
        return .cluster(model, endpoints: named.isEmpty ? cluster.name : named, inlineEndpoints: inline)
    }

    private static func apply(
        _ known: Weft_V1_ClusterExtension, to model: inout Cluster
    ) throws(XDSDecodingError) {
        guard let balancing = LoadBalancing(rawValue: known.loadBalancing) else {
            throw XDSDecodingError(
                resource: model.name, field: "load_balancing", cause: "'\(known.loadBalancing)' is unknown")
        }
        guard let appProtocol = AppProtocol(rawValue: known.appProtocol) else {
            throw XDSDecodingError(
                resource: model.name, field: "app_protocol", cause: "'\(known.appProtocol)' is unknown")
        }
        model.loadBalancing = balancing
        model.appProtocol = appProtocol
        model.retryBudget.ratio = known.budgetRatio
        model.retryBudget.minPerSecond = Int(known.budgetMinPerSecond)
        model.retryBudget.window = known.budgetWindow.swiftDuration
        model.limits.connections = known.maxConnections == 0 ? nil : Int(known.maxConnections)
        model.limits.pendingRequests = Int(known.maxPendingRequests)
        model.limits.requests = known.maxRequests == 0 ? nil : Int(known.maxRequests)
        model.limits.retries = known.hasMaxRetries ? Int(known.maxRetries) : nil
        if known.hasBalancing { model.balancing = known.balancing.model }
        if known.hasOutliers { model.outliers = known.outliers.model }
        model.healthCheck = known.hasHealthCheck ? known.healthCheck.model : nil
        model.admission = known.hasAdmission ? known.admission.model : nil
        model.provenance = known.hasProvenance ? known.provenance.model : nil
        model.sources = modelSources(known.sources)
    }

    /// What cannot be reached is no limit: Envoy has no other way to say so.
    private static func limit(_ value: UInt32) -> Int? { value >= UInt32(Int32.max) ? nil : Int(value) }

    private static func applyStandard(_ cluster: Envoy_Config_Cluster_V3_Cluster, to model: inout Cluster) {
        switch cluster.lbPolicy {
        case .leastRequest: model.loadBalancing = .leastRequest
        case .roundRobin: model.loadBalancing = .roundRobin
        case .random: model.loadBalancing = .random
        case .ringHash: model.loadBalancing = .ringHash
        case .maglev: model.loadBalancing = .maglev
        case .clusterProvided, .loadBalancingPolicyConfig, .UNRECOGNIZED: model.loadBalancing = .peakEWMA
        }
        self.applyBalancing(cluster, to: &model)
        // Whatever its options say, a cluster with any speaks HTTP/2: the only one that our subset knows.
        model.appProtocol = cluster.typedExtensionProtocolOptions.isEmpty ? .http : .h2c
        guard let limits = cluster.circuitBreakers.thresholds.first(where: { $0.priority == .default }) else { return }
        model.limits.connections = limits.hasMaxConnections ? self.limit(limits.maxConnections.value) : nil
        if limits.hasMaxPendingRequests { model.limits.pendingRequests = Int(limits.maxPendingRequests.value) }
        model.limits.requests = limits.hasMaxRequests ? self.limit(limits.maxRequests.value) : nil
        if limits.hasMaxRetries { model.limits.retries = Int(limits.maxRetries.value) }
        if limits.retryBudget.hasBudgetPercent {
            model.retryBudget.ratio = limits.retryBudget.budgetPercent.value / 100
        }
    }

    /// The one name that is resolved.
    private static func resolution(
        of cluster: Envoy_Config_Cluster_V3_Cluster
    ) throws(XDSDecodingError) -> DNSResolution {
        let addresses = cluster.loadAssignment.endpoints.flatMap(\.lbEndpoints).map(\.endpoint.address.socketAddress)
        guard addresses.count == 1, let address = addresses.first, !address.address.isEmpty,
            (1...65535).contains(address.portValue)
        else {
            throw XDSDecodingError(
                resource: cluster.name, field: "load_assignment", cause: "must hold one name and port to resolve")
        }
        return DNSResolution(host: address.address, port: Int(address.portValue))
    }

    /// TLS to a destination that proves names of DNS; nil where it proves none.
    private static func origination(
        _ tls: Envoy_Extensions_TransportSockets_Tls_V3_UpstreamTlsContext,
        _ validation: Envoy_Extensions_TransportSockets_Tls_V3_CertificateValidationContext
    ) -> TLSOrigination? {
        let names = validation.matchTypedSubjectAltNames.filter { $0.sanType == .dns }.map(\.matcher.exact)
        guard !names.isEmpty, names.count == validation.matchTypedSubjectAltNames.count,
            names.allSatisfy({ !$0.isEmpty })
        else { return nil }
        let file = validation.trustedCa.filename
        return TLSOrigination(
            serverName: tls.sni.isEmpty ? names[0] : tls.sni, names: names, rootsFile: file.isEmpty ? nil : file)
    }

    private static func transport(
        of cluster: Envoy_Config_Cluster_V3_Cluster
    ) throws(XDSDecodingError) -> Cluster.Transport {
        guard cluster.hasTransportSocket else { return .plaintext }
        let body = cluster.transportSocket.typedConfig
        if body.typeURL.hasSuffix("transport_sockets.raw_buffer.v3.RawBuffer") { return .plaintext }
        let tls: Envoy_Extensions_TransportSockets_Tls_V3_UpstreamTlsContext = try unpack(body, of: cluster.name)
        let validation =
            switch tls.commonTlsContext.validationContextType {
            case .validationContext(let context): context
            case .combinedValidationContext(let combined): combined.defaultValidationContext
            case .validationContextSdsSecretConfig, nil:
                Envoy_Extensions_TransportSockets_Tls_V3_CertificateValidationContext()
            }
        if let origination = self.origination(tls, validation) { return .tls(origination) }
        let typed = validation.matchTypedSubjectAltNames.filter { $0.sanType == .uri }.map(\.matcher)
        let names = (typed.isEmpty ? validation.matchSubjectAltNames : typed).map(\.exact)
        let peers = names.compactMap(SPIFFEID.init)
        guard !peers.isEmpty, peers.count == names.count else {
            throw XDSDecodingError(
                resource: cluster.name, field: "transport_socket",
                cause: "must name the SPIFFE IDs of the peers, each exactly")
        }
        return .mutualTLS(peers: peers.sorted { $0.description < $1.description })
    }
}
