internal import SwiftProtobuf
internal import WeftModel
internal import WeftProtos

// Who may call and whose tokens are believed, as Weft's listeners carry it.

extension Weft_V1_Authorization {
    init(_ authorization: Authorization) {
        self.init()
        self.policies = authorization.policies.map(Weft_V1_AuthorizationRules.init)
        self.denyUnmatched = authorization.unmatched == .deny
        if let source = authorization.unmatchedSource { self.unmatchedSource = Weft_V1_Provenance(source) }
        self.issuers = authorization.issuers.map(Weft_V1_TokenIssuer.init)
    }
}

extension Weft_V1_AuthorizationRules {
    fileprivate init(_ rules: AuthorizationRules) {
        self.init()
        self.source = Weft_V1_Provenance(rules.source)
        self.action = rules.action.rawValue
        self.audit = rules.isAudit
        self.scope = rules.scope.map(Weft_V1_RequestMatch.init)
        self.rules = rules.rules.map { rule in
            .with {
                $0.from = rule.from.map(Weft_V1_AuthorizationSource.init)
                $0.to = rule.to.map(Weft_V1_AuthorizationOperation.init)
                $0.when = rule.when.map(Weft_V1_AuthorizationCondition.init)
            }
        }
    }
}

extension Weft_V1_AuthorizationSource {
    fileprivate init(_ source: AuthorizationSource) {
        self.init()
        self.identities = source.identities.map(Weft_V1_TextPattern.init)
        self.notIdentities = source.notIdentities.map(Weft_V1_TextPattern.init)
        self.namespaces = source.namespaces
        self.notNamespaces = source.notNamespaces
        self.networks = source.networks.map(\.description)
        self.notNetworks = source.notNetworks.map(\.description)
    }
}

extension Weft_V1_AuthorizationOperation {
    fileprivate init(_ operation: AuthorizationOperation) {
        self.init()
        self.methods = operation.methods
        self.notMethods = operation.notMethods
        self.paths = operation.paths.map(Weft_V1_TextPattern.init)
        self.notPaths = operation.notPaths.map(Weft_V1_TextPattern.init)
    }
}

extension Weft_V1_AuthorizationCondition {
    fileprivate init(_ condition: AuthorizationCondition) {
        self.init()
        switch condition.subject {
        case .header(let name): self.header = name
        case .claim(let names): self.claim.names = names
        }
        self.values = condition.values.map(Weft_V1_TextPattern.init)
        self.notValues = condition.notValues.map(Weft_V1_TextPattern.init)
    }
}

extension Weft_V1_TextPattern {
    fileprivate init(_ pattern: IdentityPattern) {
        self.init()
        switch pattern {
        case .any: self.any = true
        case .exact(let id): self.exact = id.description
        case .prefix(let text): self.prefix = text
        case .suffix(let text): self.suffix = text
        }
    }

    fileprivate init(_ pattern: TextPattern) {
        self.init()
        switch pattern {
        case .any: self.any = true
        case .exact(let text): self.exact = text
        case .prefix(let text): self.prefix = text
        case .suffix(let text): self.suffix = text
        }
    }
}

extension Weft_V1_RequestMatch {
    fileprivate init(_ match: RouteMatch) {
        self.init()
        switch match.path {
        case .exact(let text): self.exact = text
        case .prefix(let text): self.prefix = text
        case .regularExpression(let text): self.regularExpression = text
        }
        self.method = match.method ?? ""
        self.headers = match.headers.map { Condition(name: $0.name, $0.value) }
        self.queryParameters = match.queryParameters.map { Condition(name: $0.name, $0.value) }
    }
}

extension Weft_V1_RequestMatch.Condition {
    fileprivate init(name: String, _ value: StringMatch) {
        self.init()
        self.name = name
        switch value {
        case .present: self.present = true
        case .exact(let text): self.exact = text
        case .regularExpression(let text): self.regularExpression = text
        }
    }
}

extension Weft_V1_TokenIssuer {
    fileprivate init(_ issuer: TokenIssuer) {
        self.init()
        self.source = Weft_V1_Provenance(issuer.source)
        self.issuer = issuer.issuer
        self.audiences = issuer.audiences
        self.keys = issuer.keys
        self.locations = issuer.locations.map { location in
            .with {
                guard case .header(let name, let prefix) = location else { return }
                $0.header = name
                $0.prefix = prefix
            }
        }
        self.forward = issuer.isForwarded
        self.required = issuer.isRequired
        self.scope = issuer.scope.map(Weft_V1_RequestMatch.init)
    }
}
