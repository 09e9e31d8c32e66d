import WeftMessage
import WeftModel

/// What the words of `Authorization` say, one after another, without any index: slow, and nothing in common with the table.
struct ReferenceAuthorization {
    struct Caller {
        var identity: String?
        var address: [UInt8]
    }

    let authorization: Authorization

    enum Outcome: Hashable {
        case allowed, denied, noAllowMatched, defaultAllowed, defaultDenied

        var isAllowed: Bool { self == .allowed || self == .defaultAllowed }
    }

    // MARK: Requests

    func outcome(_ head: RequestHead, _ caller: Caller, _ claims: TokenClaims?) -> Outcome {
        self.outcome(of: self.authorization.policies.filter { !$0.isAudit }, head, caller, claims)
    }

    /// With one audited policy enforced besides.
    func outcome(enforcing place: Int, _ head: RequestHead, _ caller: Caller, _ claims: TokenClaims?) -> Outcome {
        let policies = self.authorization.policies.enumerated().filter { $0.offset == place || !$0.element.isAudit }
        return self.outcome(of: policies.map(\.element), head, caller, claims)
    }

    private func outcome(
        of policies: [AuthorizationRules], _ head: RequestHead, _ caller: Caller, _ claims: TokenClaims?
    ) -> Outcome {
        let applying = policies.filter { policy in
            policy.scope.isEmpty || policy.scope.contains { Self.matches($0, head) }
        }
        func isMatched(_ policy: AuthorizationRules) -> Bool {
            policy.rules.contains { Self.matches($0, head, caller, claims) }
        }
        if applying.contains(where: { $0.action == .deny && isMatched($0) }) { return .denied }
        let allows = applying.filter { $0.action == .allow }
        if allows.contains(where: isMatched) { return .allowed }
        if !allows.isEmpty { return .noAllowMatched }
        return self.authorization.unmatched == .allow ? .defaultAllowed : .defaultDenied
    }

    static func matches(
        _ rule: AuthorizationRule, _ head: RequestHead, _ caller: Caller, _ claims: TokenClaims?
    ) -> Bool {
        (rule.from.isEmpty || rule.from.contains { self.matches($0, caller) })
            && (rule.to.isEmpty || rule.to.contains { self.matches($0, head) })
            && rule.when.allSatisfy { self.matches($0, head, claims) }
    }

    // MARK: Bytes

    func bytes(_ caller: Caller) -> Outcome {
        let policies = self.authorization.policies.filter { !$0.isAudit }
        for policy in policies where policy.action == .deny {
            for rule in policy.rules where rule.from.isEmpty || rule.from.contains(where: { Self.matches($0, caller) })
            {
                return .denied
            }
        }
        let allows = policies.filter { $0.action == .allow }
        for policy in allows where policy.scope.isEmpty {
            for rule in policy.rules where !rule.needsHTTP {
                if rule.from.isEmpty || rule.from.contains(where: { Self.matches($0, caller) }) { return .allowed }
            }
        }
        if !allows.isEmpty { return .noAllowMatched }
        return self.authorization.unmatched == .allow ? .defaultAllowed : .defaultDenied
    }

    // MARK: Parts

    static func matches(_ source: AuthorizationSource, _ caller: Caller) -> Bool {
        func isOne(_ patterns: [IdentityPattern]) -> Bool {
            guard let identity = caller.identity else { return false }
            return patterns.contains { pattern in
                switch pattern {
                case .any: true
                case .exact(let id): "\(id)" == identity
                case .prefix(let text): identity.starts(with: text)
                case .suffix(let text): identity.reversed().starts(with: text.reversed())
                }
            }
        }
        func isIn(_ namespaces: [String]) -> Bool {
            guard let identity = caller.identity else { return false }
            return namespaces.contains { namespace in
                let parts = identity.split(separator: "/")
                return parts.count == 6 && parts[1] == "mesh.local" && parts[2] == "ns" && parts[3] == namespace
                    && parts[4] == "sa"
            }
        }
        func isWithin(_ networks: [NetworkPrefix]) -> Bool {
            networks.contains { network in
                var address = caller.address
                if address.count == 16, network.bytes.count == 4, address[..<10].allSatisfy({ $0 == 0 }),
                    address[10] == 255, address[11] == 255
                {
                    address = Array(address[12...])
                }
                guard address.count == network.bytes.count else { return false }
                return (0..<network.bits).allSatisfy { bit in
                    let mask = UInt8(128) >> UInt8(bit % 8)
                    return address[bit / 8] & mask == network.bytes[bit / 8] & mask
                }
            }
        }
        return (source.identities.isEmpty || isOne(source.identities)) && !isOne(source.notIdentities)
            && (source.namespaces.isEmpty || isIn(source.namespaces)) && !isIn(source.notNamespaces)
            && (source.networks.isEmpty || isWithin(source.networks)) && !isWithin(source.notNetworks)
    }

    static func path(of head: RequestHead) -> String {
        String(head.path.prefix { $0 != "?" && $0 != "#" })
    }

    static func matches(_ operation: AuthorizationOperation, _ head: RequestHead) -> Bool {
        let method = head.method.text
        let path = self.path(of: head)
        return (operation.methods.isEmpty || operation.methods.contains(method))
            && !operation.notMethods.contains(method)
            && (operation.paths.isEmpty || operation.paths.contains { self.matches($0, path) })
            && !operation.notPaths.contains { self.matches($0, path) }
    }

    static func matches(_ condition: AuthorizationCondition, _ head: RequestHead, _ claims: TokenClaims?) -> Bool {
        let texts: [String]
        switch condition.subject {
        case .header(let name):
            let values = head.headers.values(of: name == "host" ? ":authority" : name)
            texts = values.isEmpty ? [] : [values.joined(separator: name == "cookie" ? "; " : ",")]
        case .claim(let path):
            var value = claims?.members
            for name in path { value = value?.object?[name] }
            let elements: [JSONValue] = if case .array(let list) = value { list } else { value.map { [$0] } ?? [] }
            texts = elements.compactMap { element in
                switch element {
                case .string(let text), .number(let text): text
                case .boolean(let flag): "\(flag)"
                case .null, .array, .object: nil
                }
            }
        }
        if texts.isEmpty { return condition.values.isEmpty && !condition.notValues.isEmpty }
        return
            (condition.values.isEmpty
            || condition.values.contains { pattern in texts.contains { self.matches(pattern, $0) } })
            && !condition.notValues.contains { pattern in texts.contains { self.matches(pattern, $0) } }
    }

    static func matches(_ pattern: TextPattern, _ text: String) -> Bool {
        switch pattern {
        case .any: true
        case .exact(let exact): Array(exact.utf8) == Array(text.utf8)
        case .prefix(let prefix): Array(text.utf8).starts(with: Array(prefix.utf8))
        case .suffix(let suffix): Array(text.utf8).reversed().starts(with: Array(suffix.utf8).reversed())
        }
    }

    /// Of the kinds that the generator makes: no query parameters.
    static func matches(_ match: RouteMatch, _ head: RequestHead) -> Bool {
        let path = self.path(of: head)
        let isPath =
            switch match.path {
            case .exact(let exact): path == exact
            case .prefix(let prefix):
                prefix == "/" || path == prefix || path.hasPrefix(prefix.hasSuffix("/") ? prefix : prefix + "/")
                    || path + "/" == prefix
            case .regularExpression(let text):
                text == "/[a-c]+" && path.count > 1 && path.dropFirst().allSatisfy { "abc".contains($0) }
            }
        return isPath && (match.method == nil || match.method == head.method.text)
            && match.headers.allSatisfy { header in
                let values = head.headers.values(of: header.name)
                guard !values.isEmpty else { return false }
                return switch header.value {
                case .exact(let text): values.joined(separator: ",") == text
                case .present: true
                case .regularExpression: false
                }
            }
    }
}
