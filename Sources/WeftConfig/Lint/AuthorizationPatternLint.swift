internal import WeftModel

/// Checks what rules compare with: patterns that no request meets, or that more callers meet than their author thought of.
enum AuthorizationPatternLint {
    static func findings(in world: LintWorld) -> [Diagnostic] {
        world.security.policies.flatMap { policy in
            policy.rules.enumerated().flatMap { index, rule in
                rule.from.enumerated().flatMap { position, source in
                    self.identities(source, policy, "spec.rules[\(index)].from[\(position)]", in: world)
                }
                    + rule.to.enumerated().flatMap { position, operation in
                        let field = "spec.rules[\(index)].to[\(position)]"
                        return self.methods(operation, policy, field) + self.paths(operation, policy, field, in: world)
                    }
            }
        }
    }

    private static func warning(
        _ policy: AuthorizationPolicy, _ field: String, _ message: String, _ remedy: String
    ) -> Diagnostic {
        policy.metadata.finding(.warning, kind: .authorizationPolicy, field: field, message, remedy: remedy)
    }

    // MARK: Methods

    /// Source: IANA's HTTP Method Registry; QUERY, PURGE and those of UPnP are in use without it.
    private static let registered: Set<String> = [
        "ACL", "BASELINE-CONTROL", "BIND", "CHECKIN", "CHECKOUT", "CONNECT", "COPY", "DELETE", "GET", "HEAD", "LABEL",
        "LINK", "LOCK", "MERGE", "MKACTIVITY", "MKCALENDAR", "MKCOL", "MKREDIRECTREF", "MKWORKSPACE", "MOVE", "OPTIONS",
        "ORDERPATCH", "PATCH", "POST", "PROPFIND", "PROPPATCH", "PUT", "QUERY", "REBIND", "REPORT", "SEARCH", "TRACE",
        "UNBIND", "UNCHECKOUT", "UNLINK", "UNLOCK", "UPDATE", "UPDATEREDIRECTREF", "VERSION-CONTROL", "PURGE",
        "M-SEARCH", "NOTIFY", "SUBSCRIBE", "UNSUBSCRIBE",
    ]

    private static func methods(
        _ operation: AuthorizationOperation, _ policy: AuthorizationPolicy, _ field: String
    ) -> [Diagnostic] {
        [("methods", operation.methods), ("notMethods", operation.notMethods)].flatMap { name, methods in
            methods.enumerated().filter { !self.registered.contains($0.element) }.map { place, method in
                let nearest = Suggestion.nearest(to: method, among: self.registered.sorted())
                return self.warning(
                    policy, "\(field).\(name)[\(place)]",
                    "\(method) is no registered method\(policy.action == .allow ? ", and is compared to the letter" : "")",
                    nearest.map { "Did you mean \($0)?" } ?? "Keep it if the application has a method of its own.")
            }
        }
    }

    // MARK: Paths

    private static func paths(
        _ operation: AuthorizationOperation, _ policy: AuthorizationPolicy, _ field: String, in world: LintWorld
    ) -> [Diagnostic] {
        let services = Set(world.ports(policy.targets, in: policy.metadata.namespace).map(\.service))
        let isKept = services.contains {
            world.effective(.service($0)).settings.forwarding?.keepsEscapedSlashes == true
        }
        if isKept { return [] }
        return [("paths", operation.paths), ("notPaths", operation.notPaths)].flatMap { name, paths in
            paths.enumerated().filter { $0.element.text.contains("%2F") || $0.element.text.contains("%5C") }.map {
                self.warning(
                    policy, "\(field).\(name)[\($0.offset)]",
                    "no request has the path \($0.element.text): escaped slashes and backslashes are refused",
                    "Set forwarding.escapedSlashes to keep in a TrafficPolicy of the service, or correct the path.")
            }
        }
    }

    // MARK: Identities

    private static func identities(
        _ source: AuthorizationSource, _ policy: AuthorizationPolicy, _ field: String, in world: LintWorld
    ) -> [Diagnostic] {
        [("identities", source.identities), ("notIdentities", source.notIdentities)].flatMap { name, patterns in
            patterns.enumerated().flatMap { place, pattern in
                let field = "\(field).\(name)[\(place)]"
                return [self.open(pattern), self.stranger(pattern, in: world)].compactMap(\.self).map { finding in
                    self.warning(policy, field, finding.message, finding.remedy)
                }
            }
        }
    }

    private typealias Finding = (message: String, remedy: String)

    /// A name that is cut off takes in all names that begin or end so.
    private static func open(_ pattern: IdentityPattern) -> Finding? {
        switch pattern {
        case .any, .exact: return nil
        case .prefix(let text):
            guard let last = text.last, last.isLetter || last.isNumber else { return nil }
            return (
                "\(text)* takes in other names that begin so, such as \(text)2",
                "Write \(text)/* or the whole identity, unless that is meant."
            )
        case .suffix(let text):
            guard let first = text.first, first.isLetter || first.isNumber else { return nil }
            return (
                "*\(text) takes in other names that end so, such as not-\(text)",
                "Write */\(text) or the whole identity, unless that is meant."
            )
        }
    }

    /// Identities of trust domains that nobody believes are nobody's.
    private static func stranger(_ pattern: IdentityPattern, in world: LintWorld) -> Finding? {
        guard let own = world.trustDomain else { return nil }
        let name: String
        switch pattern {
        case .any, .suffix: return nil
        case .exact(let id): name = id.trustDomain.name
        // `spiffe:`, nothing, the trust domain.
        case .prefix(let text): name = text.split(separator: "/").dropFirst().first.map(String.init) ?? ""
        }
        let known = [own.name] + world.security.federated.sorted()
        if known.contains(name) { return nil }
        return (
            world.absence(of: "TrustDomainFederation with \(name)", "nobody proves an identity of it"),
            Suggestion.remedy(for: name, among: known, noun: "Trust domains")
        )
    }
}
