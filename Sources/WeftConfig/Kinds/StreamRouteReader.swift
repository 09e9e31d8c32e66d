internal import WeftModel

/// Reads `gateway.networking.k8s.io/v1 TCPRoute` and `TLSRoute` with Services as parents.
enum StreamRouteReader {
    static func read(_ document: ObjectFields, _ kind: StreamRoute.Kind) -> StreamRoute? {
        let metadata = MetadataReader.read(document, nameIsLabel: false)
        let known = ["parentRefs", "rules"] + (kind == .tls ? ["hostnames"] : [])
        guard
            let spec = document.spec(
                known: known,
                refused: kind == .tls
                    ? [:] : ["hostnames": "Bytes name no host; a TLSRoute tells TLS connections apart by theirs."])
        else { return nil }
        let namespace = metadata?.namespace ?? "default"
        let parents = RouteParentReader.read(spec, namespace: namespace)
        var hostnames: [String]? = []
        if kind == .tls {
            hostnames = spec.required("hostnames", remedy: "Add `hostnames:` with the names that clients ask for.")?
                .list(atLeast: 1, atMost: 1024)?.compactMap(self.hostname)
        }
        let rule = spec.required("rules", remedy: "Add `rules:` with one item that has backendRefs.")?
            .list(atLeast: 1, atMost: 1)?.first?.object(known: ["name", "backendRefs"])
        let backends = rule?.required("backendRefs", remedy: "Add `backendRefs:` with the name of a Service.")?
            .list(atLeast: 1, atMost: 16)?
            .compactMap { BackendReader.backend($0, namespace: namespace, filters: []) }
        let name = rule?["name"]?.subdomain("rule name")
        guard let metadata, let parents, let hostnames, let backends else { return nil }
        return StreamRoute(
            kind: kind, metadata: metadata, parents: parents, hostnames: hostnames, ruleName: name,
            backends: backends)
    }

    /// A host name, or `*.` and one.
    private static func hostname(_ field: Field) -> String? {
        guard let text = field.text(atMost: 253) else { return nil }
        let bare = text.hasPrefix("*.") ? String(text.dropFirst(2)) : text
        guard NameRules.isSubdomain(bare) else {
            field.refuse(
                "\"\(YAMLNode.shortened(text))\" is no host name",
                remedy: "Write a name such as db.example.com, or *.example.com for every name below it.")
            return nil
        }
        return text
    }
}

/// Reads `gateway.networking.k8s.io/v1 ReferenceGrant`.
enum ReferenceGrantReader {
    static func read(_ document: ObjectFields) -> ReferenceGrant? {
        let metadata = MetadataReader.read(document, nameIsLabel: false)
        guard let spec = document.spec(known: ["from", "to"]) else { return nil }
        let from = spec.required("from", remedy: "Add `from:` with group, kind and namespace of the routes.")?
            .list(atLeast: 1, atMost: 16)?.compactMap(self.source)
        let to = spec.required("to", remedy: "Add `to:` with `group: \"\"` and `kind: Service`.")?
            .list(atLeast: 1, atMost: 16)?.compactMap(self.target)
        guard let metadata, let from, let to else { return nil }
        return ReferenceGrant(metadata: metadata, from: from, to: to)
    }

    private static let routes: [ResourceKind] = [.httpRoute, .grpcRoute, .tcpRoute, .tlsRoute]

    private static func source(_ field: Field) -> ReferenceGrant.Source? {
        guard let object = field.object(known: ["group", "kind", "namespace"]) else { return nil }
        let group = object.required("group", remedy: "Write group: gateway.networking.k8s.io.")
        let kind = object.required("kind", remedy: "Write the kind of the routes, such as HTTPRoute.")
        let namespace = object.required("namespace", remedy: "Add the `namespace` of the routes.")?.label("namespace")
        if let group, let text = group.anyText(), text != "gateway.networking.k8s.io" {
            group.refuse(
                "routes have the group gateway.networking.k8s.io", remedy: "Write group: gateway.networking.k8s.io.")
        }
        guard let kind, let text = kind.text(), let namespace else { return nil }
        guard let route = self.routes.first(where: { $0.rawValue == text }) else {
            kind.refuse(
                "a \(YAMLNode.shortened(text)) names no backends in the mesh",
                remedy: Suggestion.remedy(for: text, among: self.routes.map(\.rawValue), noun: "Kinds"))
            return nil
        }
        return ReferenceGrant.Source(kind: route, namespace: namespace)
    }

    private static func target(_ field: Field) -> ReferenceGrant.Target? {
        guard let object = field.object(known: ["group", "kind", "name"]) else { return nil }
        let group = object.required("group", remedy: "Write group: \"\" for a Service.")?.anyText()
        let kind: BackendReference.Kind? = object.required("kind", remedy: "Write kind: Service.")?.word()
        let name = object["name"].map { $0.label("service") }
        guard let group, let kind else { return nil }
        let expected = kind == .service ? "" : "weft.dev"
        if group != expected {
            object["group"]?.refuse(
                "\(kind.rawValue) has the group \"\(expected)\"", remedy: "Write group: \"\(expected)\".")
        }
        return ReferenceGrant.Target(kind: kind, name: name ?? nil)
    }
}
