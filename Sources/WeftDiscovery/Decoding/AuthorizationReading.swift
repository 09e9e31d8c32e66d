internal import SwiftProtobuf
internal import WeftModel
internal import WeftProtos

// Who may call and whose tokens are believed, as Weft's listeners carry it. Reading refuses all that this version does
// not know: a rule that is half understood would let somebody in.

/// More policies, rules or entries than this in one list and the listener is refused.
private let mostEntries = 4096

extension Weft_V1_Authorization {
    func model(of resource: String) throws(XDSDecodingError) -> Authorization {
        let reading = AuthorizationReading(resource: resource)
        var authorization = Authorization()
        authorization.policies = try reading.list("policies", self.policies, reading.rules)
        authorization.unmatched = self.denyUnmatched ? .deny : .allow
        if self.hasUnmatchedSource { authorization.unmatchedSource = self.unmatchedSource.model }
        authorization.issuers = try reading.list("issuers", self.issuers, reading.issuer)
        return authorization
    }
}

/// Reads the messages of one listener.
private struct AuthorizationReading {
    let resource: String

    func refuse(_ field: String, _ cause: String) -> XDSDecodingError {
        XDSDecodingError(resource: self.resource, field: "authorization.\(field)", cause: cause)
    }

    func list<Wire, Model>(
        _ field: String, _ items: [Wire], _ read: (Wire) throws(XDSDecodingError) -> Model
    ) throws(XDSDecodingError) -> [Model] {
        guard items.count <= mostEntries else {
            throw self.refuse(field, "has \(items.count) entries; at most \(mostEntries) are taken")
        }
        var models: [Model] = []
        models.reserveCapacity(items.count)
        for item in items { models.append(try read(item)) }
        return models
    }

    private func source(_ field: String, _ source: Weft_V1_Provenance) throws(XDSDecodingError) -> Provenance {
        guard let provenance = source.model else { throw self.refuse(field, "is of the unknown kind '\(source.kind)'") }
        return provenance
    }

    // MARK: Rules

    func rules(_ wire: Weft_V1_AuthorizationRules) throws(XDSDecodingError) -> AuthorizationRules {
        guard let action = AuthorizationAction(rawValue: wire.action) else {
            throw self.refuse("action", "'\(wire.action)' is unknown")
        }
        return AuthorizationRules(
            source: try self.source("source", wire.source), action: action, isAudit: wire.audit,
            scope: try self.list("scope", wire.scope, self.match), rules: try self.list("rules", wire.rules, self.rule))
    }

    private func rule(_ wire: Weft_V1_AuthorizationRule) throws(XDSDecodingError) -> AuthorizationRule {
        AuthorizationRule(
            from: try self.list("from", wire.from, self.caller), to: try self.list("to", wire.to, self.operation),
            when: try self.list("when", wire.when, self.condition))
    }

    private func caller(_ wire: Weft_V1_AuthorizationSource) throws(XDSDecodingError) -> AuthorizationSource {
        var source = AuthorizationSource()
        source.identities = try self.list("identities", wire.identities, self.identity)
        source.notIdentities = try self.list("not_identities", wire.notIdentities, self.identity)
        source.namespaces = wire.namespaces
        source.notNamespaces = wire.notNamespaces
        source.networks = try self.list("networks", wire.networks, self.network)
        source.notNetworks = try self.list("not_networks", wire.notNetworks, self.network)
        guard source != AuthorizationSource() else { throw self.refuse("from", "has an entry that says nothing") }
        return source
    }

    private func operation(_ wire: Weft_V1_AuthorizationOperation) throws(XDSDecodingError) -> AuthorizationOperation {
        var operation = AuthorizationOperation()
        operation.methods = wire.methods
        operation.notMethods = wire.notMethods
        operation.paths = try self.list("paths", wire.paths, self.text)
        operation.notPaths = try self.list("not_paths", wire.notPaths, self.text)
        guard operation != AuthorizationOperation() else { throw self.refuse("to", "has an entry that says nothing") }
        return operation
    }

    private func condition(_ wire: Weft_V1_AuthorizationCondition) throws(XDSDecodingError) -> AuthorizationCondition {
        let subject: AuthorizationCondition.Subject
        switch wire.subject {
        case .header(let name) where !name.isEmpty: subject = .header(name)
        case .claim(let claim) where !claim.names.isEmpty: subject = .claim(claim.names)
        default: throw self.refuse("when", "is about nothing known")
        }
        return AuthorizationCondition(
            subject: subject, values: try self.list("values", wire.values, self.text),
            notValues: try self.list("not_values", wire.notValues, self.text))
    }

    // MARK: Patterns

    private func identity(_ wire: Weft_V1_TextPattern) throws(XDSDecodingError) -> IdentityPattern {
        switch wire.pattern {
        case .any(true): return .any
        case .exact(let text):
            guard let id = SPIFFEID(text) else { throw self.refuse("identities", "'\(text)' is not a SPIFFE ID") }
            return .exact(id)
        case .prefix(let text): return .prefix(text)
        case .suffix(let text): return .suffix(text)
        case .any(false), nil: throw self.refuse("identities", "has an unknown pattern")
        }
    }

    private func text(_ wire: Weft_V1_TextPattern) throws(XDSDecodingError) -> TextPattern {
        switch wire.pattern {
        case .any(true): return .any
        case .exact(let text): return .exact(text)
        case .prefix(let text): return .prefix(text)
        case .suffix(let text): return .suffix(text)
        case .any(false), nil: throw self.refuse("values", "has an unknown pattern")
        }
    }

    private func network(_ text: String) throws(XDSDecodingError) -> NetworkPrefix {
        guard let network = NetworkPrefix(text) else { throw self.refuse("networks", "'\(text)' is no network") }
        return network
    }

    // MARK: Matches

    private func match(_ wire: Weft_V1_RequestMatch) throws(XDSDecodingError) -> RouteMatch {
        let path: PathMatch
        switch wire.path {
        case .exact(let text): path = .exact(text)
        case .prefix(let text): path = .prefix(text)
        case .regularExpression(let text):
            guard (try? RegularExpression(text)) != nil else {
                throw self.refuse("scope.path", "'\(text)' is no regular expression")
            }
            path = .regularExpression(text)
        case nil: throw self.refuse("scope.path", "is unknown")
        }
        return RouteMatch(
            path: path, method: wire.method.isEmpty ? nil : wire.method,
            headers: try self.list("scope.headers", wire.headers) { header throws(XDSDecodingError) in
                HeaderMatch(name: header.name, value: try self.value(header))
            },
            queryParameters: try self.list("scope.query", wire.queryParameters) { parameter throws(XDSDecodingError) in
                QueryParameterMatch(name: parameter.name, value: try self.value(parameter))
            })
    }

    private func value(_ wire: Weft_V1_RequestMatch.Condition) throws(XDSDecodingError) -> StringMatch {
        switch wire.value {
        case .present(true): return .present
        case .exact(let text): return .exact(text)
        case .regularExpression(let text):
            guard (try? RegularExpression(text)) != nil else {
                throw self.refuse("scope", "'\(text)' is no regular expression")
            }
            return .regularExpression(text)
        case .present(false), nil: throw self.refuse("scope", "has an unknown condition")
        }
    }

    // MARK: Tokens

    func issuer(_ wire: Weft_V1_TokenIssuer) throws(XDSDecodingError) -> TokenIssuer {
        guard !wire.issuer.isEmpty, !wire.locations.isEmpty else {
            throw self.refuse("issuers", "has one without a name or without a place for its tokens")
        }
        return TokenIssuer(
            source: try self.source("issuers.source", wire.source), issuer: wire.issuer, audiences: wire.audiences,
            keys: wire.keys,
            locations: wire.locations.map {
                $0.header.isEmpty ? .bearer : .header(name: $0.header, prefix: $0.prefix)
            },
            isForwarded: wire.forward, isRequired: wire.required,
            scope: try self.list("issuers.scope", wire.scope, self.match))
    }
}
