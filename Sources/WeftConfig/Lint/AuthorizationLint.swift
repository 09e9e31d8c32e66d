internal import WeftModel

/// Checks who-may-call policies against the ports they act on: a rule that could never hold there, or that holds for
/// others than was meant, is an error.
enum AuthorizationLint {
    static func findings(in world: LintWorld) -> [Diagnostic] {
        world.security.policies.flatMap { policy in
            self.bytes(policy, in: world) + self.unproved(policy, in: world) + self.claims(policy, in: world)
                + self.strangers(policy, in: world) + self.deserted(policy, in: world)
        }
            + world.security.tokens.flatMap { policy in
                self.byteFindings(
                    policy.metadata, .requestAuthentication, "spec.targetRefs", "looks for tokens in requests",
                    world.ports(policy.targets, in: policy.metadata.namespace))
            }
    }

    // MARK: Ports without requests

    private static func bytes(_ policy: AuthorizationPolicy, in world: LintWorld) -> [Diagnostic] {
        guard let index = policy.rules.firstIndex(where: \.needsHTTP) else { return [] }
        return self.byteFindings(
            policy.metadata, .authorizationPolicy, "spec.rules[\(index)]", "looks at requests (to, when)",
            world.ports(policy.targets, in: policy.metadata.namespace))
    }

    private static func byteFindings(
        _ metadata: Metadata, _ kind: ResourceKind, _ field: String, _ what: String, _ ports: [LintSecurity.Port]
    ) -> [Diagnostic] {
        ports.filter { !$0.appProtocol.allowsRequests }.map { port in
            metadata.finding(
                .error, kind: kind, field: field,
                "\(what), and port \(self.name(port)) passes \(port.appProtocol.rawValue) on as bytes, in which there "
                    + "are none",
                remedy: "Name the ports that speak HTTP in targetRefs with sectionName, and judge this one by `from` "
                    + "alone in a policy of its own.")
        }
    }

    // MARK: Ports where nobody proves anything

    private static func unproved(_ policy: AuthorizationPolicy, in world: LintWorld) -> [Diagnostic] {
        let index = policy.rules.firstIndex { rule in
            rule.from.contains {
                !$0.identities.isEmpty || !$0.notIdentities.isEmpty || !$0.namespaces.isEmpty
                    || !$0.notNamespaces.isEmpty
            }
        }
        guard let index else { return [] }
        return world.ports(policy.targets, in: policy.metadata.namespace).compactMap { port in
            let choice = world.security.mode(port)
            guard choice.mode == .disabled else { return nil }
            let source = (choice.source?.resource.description).map { " (\($0))" } ?? ""
            return policy.metadata.finding(
                .error, kind: .authorizationPolicy, field: "spec.rules[\(index)].from",
                "asks who calls, and callers of port \(self.name(port)) prove nothing: its mode is disabled\(source)",
                remedy: "Set the port's mode to strict or permissive, or judge by networks.")
        }
    }

    // MARK: Claims that nobody proves

    private static func claims(_ policy: AuthorizationPolicy, in world: LintWorld) -> [Diagnostic] {
        let index = policy.rules.firstIndex { rule in
            rule.when.contains { if case .claim = $0.subject { true } else { false } }
        }
        guard let index else { return [] }
        let namespace = policy.metadata.namespace
        func finding(_ place: String) -> Diagnostic {
            let isWhole = world.scope == .mesh
            return policy.metadata.finding(
                isWhole ? .error : .warning, kind: .authorizationPolicy, field: "spec.rules[\(index)].when",
                "asks for a claim, and "
                    + world.absence(of: "RequestAuthentication for \(place)", "no token is believed there"),
                remedy: "Apply a RequestAuthentication for the same target, with the issuer of the tokens.")
        }
        if policy.targets.isEmpty {
            let ports = world.security.ports(in: namespace).filter { port in
                !world.security.tokens.contains { self.believes($0, .service(port.service, port: nil), port) }
            }
            return ports.isEmpty ? [] : [finding(self.name(ports[0]))]
        }
        for target in policy.targets {
            let ports = world.ports([target], in: namespace)
            for port in ports where !world.security.tokens.contains(where: { self.believes($0, target, port) }) {
                return [finding(self.name(port))]
            }
        }
        return []
    }

    /// Whether a RequestAuthentication acts on the port, at least for what the target means.
    private static func believes(
        _ tokens: RequestAuthentication, _ target: PolicyTarget, _ port: LintSecurity.Port
    ) -> Bool {
        guard tokens.metadata.namespace == port.service.namespace else { return false }
        if tokens.targets.isEmpty || tokens.targets.contains(target) { return true }
        return tokens.targets.contains { $0.covers(port.service, portName: port.name, port: port.number) }
    }

    // MARK: Namespaces where nothing is

    /// A policy that names a target is told of that; one without is for its namespace, whose name may be mistyped.
    private static func deserted(_ policy: AuthorizationPolicy, in world: LintWorld) -> [Diagnostic] {
        let namespace = policy.metadata.namespace
        guard policy.targets.isEmpty, !world.security.namespaces.contains(namespace) else { return [] }
        return [
            policy.metadata.finding(
                .warning, kind: .authorizationPolicy, field: "metadata.namespace",
                world.absence(of: "service or workload in the namespace \(namespace)", "the policy guards nothing"),
                remedy: Suggestion.remedy(
                    for: namespace, among: world.security.namespaces.sorted(), noun: "Namespaces"))
        ]
    }

    // MARK: Callers that nobody is

    private static func strangers(_ policy: AuthorizationPolicy, in world: LintWorld) -> [Diagnostic] {
        var findings: [Diagnostic] = []
        func report(_ what: String, _ field: String, _ remedy: String) {
            findings.append(
                policy.metadata.finding(
                    .warning, kind: .authorizationPolicy, field: field,
                    world.absence(of: what, "the entry is about nobody"), remedy: remedy))
        }
        for (index, rule) in policy.rules.enumerated() {
            for (position, source) in rule.from.enumerated() {
                let field = "spec.rules[\(index)].from[\(position)]"
                for (name, patterns) in [("identities", source.identities), ("notIdentities", source.notIdentities)] {
                    for (place, pattern) in patterns.enumerated() {
                        guard let what = self.stranger(pattern, in: world) else { continue }
                        report(what, "\(field).\(name)[\(place)]", "Correct the identity, or start its workload.")
                    }
                }
                for (name, list) in [("namespaces", source.namespaces), ("notNamespaces", source.notNamespaces)] {
                    for (place, namespace) in list.enumerated()
                    where !world.security.namespaces.contains(namespace) {
                        report(
                            "service or workload in the namespace \(namespace)", "\(field).\(name)[\(place)]",
                            Suggestion.remedy(
                                for: namespace, among: world.security.namespaces.sorted(), noun: "Namespaces"))
                    }
                }
            }
        }
        return findings
    }

    /// Whom the mesh would have to have for the pattern to match; nil where it may match.
    private static func stranger(_ pattern: IdentityPattern, in world: LintWorld) -> String? {
        switch pattern {
        case .any, .suffix: return nil
        case .exact(let id):
            guard let (namespace, account) = id.workload else { return nil }
            return world.security.knows(namespace: namespace, account: account)
                ? nil : "workload with the account \(account) in \(namespace)"
        case .prefix(let text):
            // `spiffe:`, nothing, the trust domain, `ns`, the namespace, what follows.
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count >= 6, parts[3] == "ns" else { return nil }
            let namespace = String(parts[4])
            return world.security.namespaces.contains(namespace)
                ? nil : "service or workload in the namespace \(namespace)"
        }
    }

    /// `billing.default:80`.
    static func name(_ port: LintSecurity.Port) -> String { "\(port.service):\(port.number)" }
}
