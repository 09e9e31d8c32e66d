internal import WeftModel

/// What a listener enforces, for people to read. Key sets are public and left out for their length; what may be a
/// credential in a condition is not shown.
enum AuthorizationDump {
    /// Nil where everybody may call.
    static func authorization(_ authorization: Authorization) -> DumpValue? {
        guard !authorization.isEmpty else { return nil }
        return .object([
            "policies": .list(authorization.policies.map(self.policy)),
            "unmatched": .text(authorization.unmatched.rawValue),
            "unmatchedFrom": authorization.unmatchedSource.map { .text($0.description) },
            "issuers": authorization.issuers.isEmpty ? nil : .list(authorization.issuers.map(self.issuer)),
        ])
    }

    private static func policy(_ policy: AuthorizationRules) -> DumpValue {
        .object([
            "policy": .text(policy.source.description), "action": .text(policy.action.rawValue),
            "audit": policy.isAudit ? .flag(true) : nil,
            "scope": policy.scope.isEmpty ? nil : .list(policy.scope.map(ConfigurationDump.match)),
            "rules": .list(policy.rules.map(self.rule)),
        ])
    }

    private static func rule(_ rule: AuthorizationRule) -> DumpValue {
        .object([
            "from": rule.from.isEmpty ? nil : .list(rule.from.map(self.source)),
            "to": rule.to.isEmpty ? nil : .list(rule.to.map(self.operation)),
            "when": rule.when.isEmpty ? nil : .list(rule.when.map(self.condition)),
        ])
    }

    private static func source(_ source: AuthorizationSource) -> DumpValue {
        .object([
            "identities": self.texts(source.identities.map(\.description)),
            "notIdentities": self.texts(source.notIdentities.map(\.description)),
            "namespaces": self.texts(source.namespaces), "notNamespaces": self.texts(source.notNamespaces),
            "networks": self.texts(source.networks.map(\.description)),
            "notNetworks": self.texts(source.notNetworks.map(\.description)),
        ])
    }

    private static func operation(_ operation: AuthorizationOperation) -> DumpValue {
        .object([
            "methods": self.texts(operation.methods), "notMethods": self.texts(operation.notMethods),
            "paths": self.texts(operation.paths.map(\.description)),
            "notPaths": self.texts(operation.notPaths.map(\.description)),
        ])
    }

    private static func condition(_ condition: AuthorizationCondition) -> DumpValue {
        var header: DumpValue?
        var claim: DumpValue?
        var isSecret = false
        switch condition.subject {
        case .header(let name):
            header = .text(name)
            isSecret = ConfigurationDump.isSecret(name)
        case .claim(let names): claim = .list(names.map { .text($0) })
        }
        func values(_ patterns: [TextPattern]) -> DumpValue? {
            self.texts(patterns.map { isSecret ? ConfigurationDump.redacted : $0.description })
        }
        return .object([
            "header": header, "claim": claim, "values": values(condition.values),
            "notValues": values(condition.notValues),
        ])
    }

    private static func issuer(_ issuer: TokenIssuer) -> DumpValue {
        .object([
            "issuer": .text(issuer.issuer), "audiences": self.texts(issuer.audiences),
            "keyBytes": .number(issuer.keys.utf8.count),
            "from": .list(
                issuer.locations.map { location in
                    switch location {
                    case .bearer: .text("bearer")
                    case .header(let name, let prefix):
                        .object(["header": .text(name), "prefix": prefix.isEmpty ? nil : .text(prefix)])
                    }
                }),
            "forward": .flag(issuer.isForwarded), "required": .flag(issuer.isRequired),
            "scope": issuer.scope.isEmpty ? nil : .list(issuer.scope.map(ConfigurationDump.match)),
            "policy": .text(issuer.source.description),
        ])
    }

    /// Nil for none.
    private static func texts(_ texts: [String]) -> DumpValue? {
        texts.isEmpty ? nil : .list(texts.map { .text($0) })
    }
}
