internal import WeftModel

/// Reads `weft.dev/v1 AuthorizationPolicy`.
enum AuthorizationPolicyReader {
    static func read(_ document: ObjectFields) -> AuthorizationPolicy? {
        let metadata = MetadataReader.read(document, nameIsLabel: false)
        guard let spec = document.spec(known: ["targetRefs", "action", "audit", "rules"]) else { return nil }
        let action: AuthorizationAction? = spec["action"].map { $0.word() } ?? .allow
        let audit = spec["audit"].map { $0.boolean() } ?? false
        let rules = spec["rules"].map(self.rules) ?? []
        guard let metadata, let action, let audit,
            let targets = PolicyTargetReader.read(spec, namespace: metadata.namespace, routes: true), let rules
        else { return nil }
        if rules.isEmpty {
            switch action {
            case .allow:
                spec.field.warn(
                    "an ALLOW without rules allows nobody: every call to its targets is denied that no other ALLOW takes",
                    remedy: "Add rules, or keep it where nothing is to be allowed by default.")
            case .deny:
                spec.field.warn("a DENY without rules denies nobody", remedy: "Add rules, or remove the policy.")
            }
        }
        return AuthorizationPolicy(
            metadata: metadata, targets: targets, action: action, isAudit: audit, rules: rules)
    }

    private static func rules(_ field: Field) -> [AuthorizationRule]? {
        guard let items = field.list(atMost: 64) else { return nil }
        let rules = items.compactMap(self.rule)
        return rules.count == items.count ? rules : nil
    }

    private static func rule(_ field: Field) -> AuthorizationRule? {
        guard let object = field.object(known: ["from", "to", "when"]) else { return nil }
        let from = object["from"].map { self.parts($0, self.source) } ?? []
        let to = object["to"].map { self.parts($0, self.operation) } ?? []
        let when = object["when"].map { self.parts($0, self.condition) } ?? []
        guard let from, let to, let when else { return nil }
        return AuthorizationRule(from: from, to: to, when: when)
    }

    /// The entries of a part of a rule. One that is there has at least one: emptied, it would mean everything.
    private static func parts<Part: Hashable>(_ field: Field, _ read: (Field) -> Part?) -> [Part]? {
        guard let items = field.list(atLeast: 1, atMost: 16) else { return nil }
        let parts = items.compactMap(read)
        guard parts.count == items.count else { return nil }
        for (index, part) in parts.enumerated() where parts[..<index].contains(part) {
            items[index].refuse("this stands here already", remedy: "Remove it.")
        }
        return parts
    }

    // MARK: Who

    private static func source(_ field: Field) -> AuthorizationSource? {
        guard
            let object = field.object(known: [
                "identities", "notIdentities", "namespaces", "notNamespaces", "networks", "notNetworks",
            ])
        else { return nil }
        var source = AuthorizationSource()
        source.identities = self.list(object, "identities", PatternReader.identity)
        source.notIdentities = self.list(object, "notIdentities", PatternReader.identity)
        source.namespaces = self.list(object, "namespaces") { $0.label("namespace") }
        source.notNamespaces = self.list(object, "notNamespaces") { $0.label("namespace") }
        source.networks = self.list(object, "networks", PatternReader.network)
        source.notNetworks = self.list(object, "notNetworks", PatternReader.network)
        if source == AuthorizationSource(), !field.collector.diagnostics.hasErrors {
            field.refuse(
                "the entry says nothing of who calls",
                remedy: "Add identities, namespaces or networks; for any proved identity write identities: [\"*\"].")
        }
        return source
    }

    // MARK: What

    private static func operation(_ field: Field) -> AuthorizationOperation? {
        guard let object = field.object(known: ["methods", "notMethods", "paths", "notPaths"]) else { return nil }
        var operation = AuthorizationOperation()
        operation.methods = self.list(object, "methods", self.method)
        operation.notMethods = self.list(object, "notMethods", self.method)
        operation.paths = self.list(object, "paths", PatternReader.path)
        operation.notPaths = self.list(object, "notPaths", PatternReader.path)
        if operation == AuthorizationOperation(), !field.collector.diagnostics.hasErrors {
            field.refuse("the entry says nothing of what is asked for", remedy: "Add methods or paths, or remove it.")
        }
        return operation
    }

    private static func method(_ field: Field) -> String? {
        guard let text = field.text(atMost: 32) else { return nil }
        if text.contains("*") {
            field.refuse("methods are named whole", remedy: "Leave the list out where every method is meant.")
            return nil
        }
        guard NameRules.isToken(text) else {
            field.refuse("\"\(YAMLNode.shortened(text))\" is no method", remedy: "Write a method such as GET.")
            return nil
        }
        let upper = text.uppercased()
        if upper != text, RouteMatchReader.methods.contains(upper) {
            field.refuse(
                "\(text) is no method that anybody means",
                remedy: "Write \(upper): a DENY takes it in any case, an ALLOW to the letter.")
            return nil
        }
        return text
    }

    // MARK: When

    private static func condition(_ field: Field) -> AuthorizationCondition? {
        guard
            let object = field.object(
                known: ["header", "claim", "values", "notValues"],
                refused: ["notClaims": "Write claim: with notValues:.", "notHeaders": "Write header: with notValues:."])
        else { return nil }
        let values = self.list(object, "values", PatternReader.text)
        let notValues = self.list(object, "notValues", PatternReader.text)
        switch (object["header"], object["claim"]) {
        case (let header?, nil):
            return PatternReader.header(header).map {
                AuthorizationCondition(subject: .header($0), values: values, notValues: notValues)
            }
        case (nil, let claim?):
            return PatternReader.claim(claim).map {
                AuthorizationCondition(subject: .claim($0), values: values, notValues: notValues)
            }
        default:
            field.refuse(
                "a condition is about one header or one claim",
                remedy: "Write either header: or claim:, and one item for each.")
            return nil
        }
    }

    // MARK: Lists

    /// At most 64 entries, each once. A list that narrows a rule and is there but empty is refused, because it would
    /// match everything; an empty `not` list changes nothing.
    private static func list<Item: Hashable>(
        _ object: ObjectFields, _ name: String, _ read: (Field) -> Item?
    ) -> [Item] {
        guard let field = object[name] else { return [] }
        guard let fields = field.list(atLeast: name.hasPrefix("not") ? 0 : 1, atMost: 64) else { return [] }
        var items: [Item] = []
        for item in fields {
            guard let value = read(item) else { continue }
            if items.contains(value) {
                item.refuse("\(item.node.source) stands here already", remedy: "Remove it.")
                continue
            }
            items.append(value)
        }
        return items
    }
}
