internal import WeftModel

/// Reads `targetRefs` of the policies that the inbound side enforces.
enum PolicyTargetReader {
    /// Nil after a mistake; empty where the document names no targets. `routes` says whether routes may be named.
    static func read(_ spec: ObjectFields, namespace: String, routes: Bool) -> [PolicyTarget]? {
        guard let field = spec["targetRefs"] else { return [] }
        // An emptied list must not widen the policy to the whole namespace.
        guard let fields = field.list(atLeast: 1, atMost: 16) else { return nil }
        let targets = fields.compactMap { self.target($0, namespace: namespace, routes: routes) }
        guard targets.count == fields.count else { return nil }
        for (index, target) in targets.enumerated() where targets[..<index].contains(target) {
            fields[index].refuse("this target stands here already", remedy: "Remove it, or name another port.")
        }
        return targets
    }

    /// One target; nil after a mistake.
    static func target(_ field: Field, namespace: String, routes: Bool) -> PolicyTarget? {
        guard
            let object = field.object(
                known: ["group", "kind", "name", "sectionName"],
                refused: ["namespace": "A policy acts in its own namespace: put it into the target's."])
        else { return nil }
        let kinds = routes ? ["Service", "HTTPRoute", "GRPCRoute"] : ["Service"]
        let group = object["group"].map { $0.anyText() } ?? nil
        let kind = object.required("kind", remedy: "Write \(kinds.joined(separator: ", ")).")
        let name = object.required("name", remedy: "Add the target's `name`.")
        let section = object["sectionName"].map(self.port)
        guard let kind, let text = kind.text(atMost: 128), let name else { return nil }
        guard kinds.contains(text) else {
            kind.refuse(
                routes || !text.hasSuffix("Route")
                    ? "the policy cannot act on a \(YAMLNode.shortened(text))"
                    : "whether callers must prove who they are is settled before a request, so no route can say it",
                remedy: Suggestion.remedy(for: text, among: kinds, noun: "Values"))
            return nil
        }
        let expected = text == "Service" ? "" : "gateway.networking.k8s.io"
        if let group, group != expected {
            (object["group"] ?? field).refuse(
                "a \(text) has the group \"\(expected)\", not \"\(YAMLNode.shortened(group))\"",
                remedy: "Write group: \"\(expected)\".")
        }
        guard text != "Service" else {
            if case .some(nil) = section { return nil }
            return name.label("service").map {
                .service(ServiceName(namespace: namespace, name: $0), port: section ?? nil)
            }
        }
        if let field = object["sectionName"] {
            field.refuse("a route has no ports to choose from", remedy: "Remove sectionName, or name the Service.")
        }
        let route: ResourceKind = text == "HTTPRoute" ? .httpRoute : .grpcRoute
        return name.subdomain("route").map {
            .route(ResourceKey(kind: route, namespace: namespace, name: $0))
        }
    }

    /// A port's name, or its number.
    private static func port(_ field: Field) -> PolicyPort? {
        switch field.node.value {
        case .integer: field.port().map(PolicyPort.number)
        case .text(let text): self.port(text, field)
        default: field.portName().map(PolicyPort.name)
        }
    }

    static func port(_ text: String, _ field: Field) -> PolicyPort? {
        if let number = Int(text), (1...65535).contains(number), "\(number)" == text { return .number(number) }
        if NameRules.isPortName(text) { return .name(text) }
        field.refuse(
            "\"\(YAMLNode.shortened(text))\" is no port", remedy: "Write a port's name, or its number.")
        return nil
    }
}
