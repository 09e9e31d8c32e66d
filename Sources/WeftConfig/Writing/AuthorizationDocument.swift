internal import WeftModel

/// Writes the specs of `AuthorizationPolicy`, `RequestAuthentication` and `PeerAuthentication`.
enum AuthorizationDocument {
    static func spec(_ policy: AuthorizationPolicy) -> JSONValue {
        var object = ObjectBuilder()
        self.add(policy.targets, to: &object)
        object.add("action", .text(policy.action.rawValue))
        if policy.isAudit { object.add("audit", .boolean(true)) }
        if !policy.rules.isEmpty { object.add("rules", .list(policy.rules.map(self.rule))) }
        return object.value
    }

    static func spec(_ policy: RequestAuthentication) -> JSONValue {
        var object = ObjectBuilder()
        self.add(policy.targets, to: &object)
        object.add("rules", .list(policy.rules.map(self.rule)))
        return object.value
    }

    static func spec(_ policy: PeerAuthentication) -> JSONValue {
        var object = ObjectBuilder()
        self.add(policy.targets, to: &object)
        object.add("mode", (policy.mode?.rawValue).map(JSONValue.text))
        if !policy.ports.isEmpty {
            object.add("ports", .object(policy.ports.map { .init($0.port.description, .text($0.mode.rawValue)) }))
        }
        return object.value
    }

    // MARK: Targets

    private static func add(_ targets: [PolicyTarget], to object: inout ObjectBuilder) {
        if !targets.isEmpty { object.add("targetRefs", .list(targets.map(self.target))) }
    }

    private static func target(_ target: PolicyTarget) -> JSONValue {
        var object = ObjectBuilder()
        switch target {
        case .service(let service, let port):
            object.add("group", .text(""))
            object.add("kind", .text("Service"))
            object.add("name", .text(service.name))
            object.add("sectionName", (port?.description).map(JSONValue.text))
        case .route(let key):
            object.add("group", .text("gateway.networking.k8s.io"))
            object.add("kind", .text(key.kind.rawValue))
            object.add("name", .text(key.name))
        }
        return object.value
    }

    // MARK: Rules

    private static func rule(_ rule: AuthorizationRule) -> JSONValue {
        var object = ObjectBuilder()
        if !rule.from.isEmpty { object.add("from", .list(rule.from.map(self.source))) }
        if !rule.to.isEmpty { object.add("to", .list(rule.to.map(self.operation))) }
        if !rule.when.isEmpty { object.add("when", .list(rule.when.map(self.condition))) }
        return object.value
    }

    private static func source(_ source: AuthorizationSource) -> JSONValue {
        var object = ObjectBuilder()
        self.add("identities", source.identities.map(\.description), to: &object)
        self.add("notIdentities", source.notIdentities.map(\.description), to: &object)
        self.add("namespaces", source.namespaces, to: &object)
        self.add("notNamespaces", source.notNamespaces, to: &object)
        self.add("networks", source.networks.map(\.description), to: &object)
        self.add("notNetworks", source.notNetworks.map(\.description), to: &object)
        return object.value
    }

    private static func operation(_ operation: AuthorizationOperation) -> JSONValue {
        var object = ObjectBuilder()
        self.add("methods", operation.methods, to: &object)
        self.add("notMethods", operation.notMethods, to: &object)
        self.add("paths", operation.paths.map(\.description), to: &object)
        self.add("notPaths", operation.notPaths.map(\.description), to: &object)
        return object.value
    }

    private static func condition(_ condition: AuthorizationCondition) -> JSONValue {
        var object = ObjectBuilder()
        switch condition.subject {
        case .header(let name): object.add("header", .text(name))
        case .claim(let names): object.add("claim", .list(names.map(JSONValue.text)))
        }
        self.add("values", condition.values.map(\.description), to: &object)
        self.add("notValues", condition.notValues.map(\.description), to: &object)
        return object.value
    }

    private static func add(_ name: String, _ texts: [String], to object: inout ObjectBuilder) {
        if !texts.isEmpty { object.add(name, .list(texts.map(JSONValue.text))) }
    }

    // MARK: Tokens

    private static func rule(_ rule: TokenRule) -> JSONValue {
        var object = ObjectBuilder()
        object.add("issuer", .text(rule.issuer))
        self.add("audiences", rule.audiences, to: &object)
        switch rule.keys {
        case .inline(let text): object.add("jwks", .text(text))
        case .file(let path): object.add("jwksFile", .text(path))
        case .url(let url): object.add("jwksUri", .text(url))
        }
        if rule.locations != [.bearer] { object.add("from", .list(rule.locations.map(self.location))) }
        if !rule.isForwarded { object.add("forward", .boolean(false)) }
        if rule.isRequired { object.add("required", .boolean(true)) }
        return object.value
    }

    private static func location(_ location: TokenLocation) -> JSONValue {
        switch location {
        case .bearer: return .text("bearer")
        case .header(let name, let prefix):
            var object = ObjectBuilder()
            object.add("header", .text(name))
            if !prefix.isEmpty { object.add("prefix", .text(prefix)) }
            return object.value
        }
    }
}
