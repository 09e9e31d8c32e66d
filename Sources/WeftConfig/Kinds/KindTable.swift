internal import WeftModel

/// Says what a document's `apiVersion` and `kind` mean, and why some kinds are not for the mesh.
enum KindTable {
    /// The kind of a document, or nil after its refusal.
    static func kind(of document: Field) -> ResourceKind? {
        guard
            case .object(let entries) = document.node.value
        else {
            document.refuse(
                "the document is \(document.node.phrase), no resource",
                remedy: "Start it with apiVersion, kind, metadata and spec.")
            return nil
        }
        func field(_ name: String) -> Field? {
            entries.first { $0.key == name }.map { Field(node: $0.value, path: name, collector: document.collector) }
        }
        guard let kindField = field("kind") else {
            document.refuse("the field `kind` is missing", remedy: "Add one of \(self.names.joined(separator: ", ")).")
            return nil
        }
        guard let text = kindField.text(atMost: 128) else { return nil }
        guard let kind = ResourceKind(rawValue: text) else {
            self.refuse(text, kindField)
            return nil
        }
        guard let versionField = field("apiVersion") else {
            document.refuse("the field `apiVersion` is missing", remedy: "Add apiVersion: \(kind.apiVersion).")
            return kind
        }
        if let version = versionField.text(atMost: 128), !self.versions(of: kind).contains(version) {
            versionField.refuse(
                "a \(text) has no version \(YAMLNode.shortened(version))",
                remedy: "Write apiVersion: \(kind.apiVersion).")
        }
        return kind
    }

    private static let names = ResourceKind.allCases.map(\.rawValue)

    private static func versions(of kind: ResourceKind) -> [String] {
        switch kind {
        case .httpRoute, .referenceGrant: [kind.apiVersion, "gateway.networking.k8s.io/v1beta1"]
        case .tcpRoute, .tlsRoute:
            [kind.apiVersion, "gateway.networking.k8s.io/v1alpha2", "gateway.networking.k8s.io/v1alpha3"]
        case .service, .workload, .grpcRoute, .externalService, .trafficPolicy, .authorizationPolicy,
            .requestAuthentication, .peerAuthentication, .meshSettings:
            [kind.apiVersion]
        case .trustDomainFederation: [kind.apiVersion]
        case .registrationEntry, .serviceObjective: [kind.apiVersion]
        }
    }

    private static func refuse(_ text: String, _ field: Field) {
        if let reason = self.reasons[text] {
            field.refuse("a \(text) is not taken here: \(reason.why)", remedy: reason.remedy)
        } else {
            field.refuse(
                "there is no kind \"\(YAMLNode.shortened(text))\" in the mesh",
                remedy: Suggestion.remedy(for: text, among: self.names, noun: "Kinds"))
        }
    }

    private typealias Reason = (why: String, remedy: String)

    /// Kinds that people bring along, with why they do not belong here or not yet.
    private static let reasons: [String: Reason] = {
        var reasons: [String: Reason] = [:]
        for kind in ["Gateway", "GatewayClass", "Ingress", "IngressClass", "ListenerSet", "XListenerSet"] {
            reasons[kind] = (
                "it governs the calls that come from outside, and Weft governs those between services",
                "Apply it to your gateway; put an HTTPRoute with a Service as its parent here."
            )
        }
        for kind in [
            "UDPRoute", "BackendTLSPolicy", "RateLimit", "FaultInjection", "Rollout",
        ] {
            reasons[kind] = (
                "this version of Weft cannot honour it, and a rule that does nothing would mislead",
                "Remove it. Kinds: \(Self.names.joined(separator: ", "))."
            )
        }
        for kind in [
            "Deployment", "StatefulSet", "DaemonSet", "Pod", "ReplicaSet", "Job", "CronJob", "ConfigMap", "Secret",
            "Namespace", "ServiceAccount", "NetworkPolicy", "Endpoints", "EndpointSlice",
        ] {
            reasons[kind] = (
                "it says how something runs, and workloads register with the mesh by themselves",
                "Leave it to what runs your applications. Kinds: \(Self.names.joined(separator: ", "))."
            )
        }
        reasons["ServiceEntry"] = (
            "it is another mesh's word for a destination outside", "Write an ExternalService."
        )
        for kind in ["VirtualService", "ServiceRouter", "ServiceSplitter", "TrafficSplit", "HTTPRouteGroup"] {
            reasons[kind] = (
                "it is another mesh's word for routes", "Write an HTTPRoute with the Service as its parent."
            )
        }
        for kind in [
            "DestinationRule", "ServiceResolver", "ServiceDefaults", "ServiceProfile", "XBackendTrafficPolicy",
        ] {
            reasons[kind] = (
                "it is another mesh's word for how calls behave",
                "Write a TrafficPolicy with the Service as its target."
            )
        }
        return reasons
    }()
}
