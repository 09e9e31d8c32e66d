internal import WeftModel

/// Reads `parentRefs`: the Services whose calls a route takes.
///
/// A Service of another namespace makes the route a consumer's: it takes the calls of its own namespace only.
enum RouteParentReader {
    static func read(_ spec: ObjectFields, namespace: String) -> [RouteParent]? {
        let fields = spec.required(
            "parentRefs", remedy: "Add `parentRefs:` with an item of `group: \"\"`, `kind: Service` and a `name`."
        )?.list(atLeast: 1, atMost: 32)
        let parents = fields?.compactMap { self.parent($0, namespace: namespace) }
        if let fields, let parents, fields.count == parents.count {
            for (index, parent) in parents.enumerated() where parents[..<index].contains(parent) {
                fields[index].refuse("this parent stands here already", remedy: "Remove it, or name another port.")
            }
        }
        return parents
    }

    private static func parent(_ field: Field, namespace: String) -> RouteParent? {
        guard let object = field.object(known: ["group", "kind", "name", "namespace", "port", "sectionName"]) else {
            return nil
        }
        let group = object["group"].map { $0.anyText() } ?? "gateway.networking.k8s.io"
        let kind = object["kind"].map { $0.text() } ?? "Gateway"
        guard let group, let kind else { return nil }
        guard kind == "Service" else {
            (object["kind"] ?? field).refuse(
                kind == "Gateway"
                    ? "the parent is a Gateway: it governs the calls from outside, Weft those between services"
                    : "a \(YAMLNode.shortened(kind)) cannot be a parent in the mesh",
                remedy: "Name a Service (`group: \"\"`, `kind: Service`), or apply this route to your gateway.")
            return nil
        }
        if !group.isEmpty {
            (object["group"] ?? field).refuse(
                "a Service has the empty group; a missing one stands for gateway.networking.k8s.io",
                remedy: "Write group: \"\".")
        }
        let service = object.required("name", remedy: "Add the `name` of the Service.")?.label("service")
        let home = object["namespace"].map { $0.label("namespace") } ?? namespace
        let port = object["port"].map { $0.port() }
        let section = object["sectionName"].map { $0.portName() }
        guard let service, let home else { return nil }
        return RouteParent(
            service: ServiceName(namespace: home, name: service), port: port ?? nil, portName: section ?? nil)
    }
}

/// Reads `sessionPersistence`.
///
/// Source: GEP-1619.
enum SessionPersistenceReader {
    static func read(_ field: Field) -> SessionPersistence? {
        guard
            let object = field.object(
                known: ["type", "sessionName", "absoluteTimeout", "cookieConfig"],
                refused: ["idleTimeout": "Nothing is remembered of a session, so nobody can tell how long it was idle."]
            )
        else { return nil }
        var session = SessionPersistence()
        if let type = object["type"], let carrier: SessionPersistence.Carrier = type.word() {
            session.carrier = carrier
        }
        if let nameField = object["sessionName"], let name = nameField.text(atMost: 128) {
            if !NameRules.isToken(name) {
                nameField.refuse(
                    "\"\(YAMLNode.shortened(name))\" is no name of a cookie or header",
                    remedy: "Use letters, digits and `-`.")
            }
            session.name = session.carrier == .header ? name.lowercased() : name
        }
        session.absoluteTimeout = object["absoluteTimeout"]?.duration(allowsZero: false)
        if let config = object["cookieConfig"], let parts = config.object(known: ["lifetimeType"]) {
            if session.carrier == .header {
                config.refuse("a session in a header has no cookie", remedy: "Remove it, or write type: Cookie.")
            }
            if let lifetime: Lifetime = parts["lifetimeType"]?.word() { session.isPermanent = lifetime == .Permanent }
        }
        if session.isPermanent, session.absoluteTimeout == nil {
            field.refuse(
                "a permanent cookie needs to know for how long", remedy: "Add absoluteTimeout, such as 24h.")
        }
        return session
    }

    private enum Lifetime: String, CaseIterable { case Session, Permanent }
}
