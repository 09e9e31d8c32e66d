internal import WeftModel

/// Checks what the policies of the inbound side act on: whether it is there, whether they can act on it, and whether two
/// say different things of it.
enum SecurityTargetLint {
    static func findings(in world: LintWorld) -> [Diagnostic] {
        let security = world.security
        return security.policies.flatMap { self.targets($0.targets, $0.metadata, .authorizationPolicy, in: world) }
            + security.tokens.flatMap { self.targets($0.targets, $0.metadata, .requestAuthentication, in: world) }
            + security.peers.flatMap {
                self.targets($0.targets, $0.metadata, .peerAuthentication, in: world) + self.ports($0, in: world)
            }
            + self.rivals(in: world)
    }

    private static func targets(
        _ targets: [PolicyTarget], _ metadata: Metadata, _ kind: ResourceKind, in world: LintWorld
    ) -> [Diagnostic] {
        targets.enumerated().compactMap { index, target in
            func finding(_ severity: Diagnostic.Severity, _ message: String, _ remedy: String) -> Diagnostic {
                metadata.finding(
                    severity, kind: kind, field: "spec.targetRefs[\(index)]", message, remedy: remedy)
            }
            switch target {
            case .service(let service, let section):
                guard world.knows(service) else {
                    return finding(
                        .warning, world.absence(of: "service \(service)", "the policy does nothing"),
                        world.remedy(for: service))
                }
                guard let section else { return nil }
                return self.missing(section, of: service, in: world).map { finding($0.severity, $0.message, $0.remedy) }
            case .route(let key):
                guard let route = world.route(key) else {
                    return finding(
                        .warning,
                        world.absence(
                            of: "\(key.kind.rawValue) \(key.name) in \(key.namespace)", "the policy does nothing"),
                        world.remedy(forRoute: key.name, key.kind, namespace: key.namespace))
                }
                return self.problem(of: route, in: world).map { finding($0.severity, $0.message, $0.remedy) }
            }
        }
    }

    private typealias Problem = (severity: Diagnostic.Severity, message: String, remedy: String)

    /// A declared service says what ports it has; others may get more.
    private static func missing(
        _ section: PolicyPort, of service: ServiceName, in world: LintWorld
    ) -> Problem? {
        let ports = world.security.ports(of: service)
        if ports.contains(where: { section.covers(name: $0.name, number: $0.number) }) { return nil }
        // One port may have two numbers.
        var names: [String] = []
        for name in ports.map({ $0.name.isEmpty ? "\($0.number)" : $0.name }) where !names.contains(name) {
            names.append(name)
        }
        return (
            world.security.isDeclared(service) ? .error : .warning,
            "the service \(service) has no port \(section), so the policy does nothing there",
            Suggestion.remedy(for: section.description, among: names, noun: "Ports")
        )
    }

    private static func ports(_ policy: PeerAuthentication, in world: LintWorld) -> [Diagnostic] {
        policy.targets.flatMap { target -> [Diagnostic] in
            guard case .service(let service, nil) = target, world.knows(service) else { return [] }
            return policy.ports.compactMap { entry in
                self.missing(entry.port, of: service, in: world).map {
                    policy.metadata.finding(
                        $0.severity, kind: .peerAuthentication, field: "spec.ports.\(entry.port)", $0.message,
                        remedy: $0.remedy)
                }
            }
        }
    }

    // MARK: Routes

    /// Why a policy on a route would not act on what the route takes, or not on all of it.
    private static func problem(of route: LintRoute, in world: LintWorld) -> Problem? {
        let namespace = route.metadata.namespace
        let backends = route.rules.flatMap(\.backends)
        let foreign = backends.filter { $0.kind != .service || $0.service.namespace != namespace }
        // The parent's workloads are asked only by who goes past the route.
        let isOwn =
            backends.isEmpty
            ? route.parents.contains { $0.service.namespace == namespace } : foreign.count < backends.count
        guard isOwn else {
            return (
                .error,
                "the requests of the route arrive in other namespaces only, whose services are not this policy's to judge",
                "Put a policy into the namespace of the services."
            )
        }
        let known = route.parents.filter { $0.service.namespace == namespace }.flatMap {
            world.security.ports(of: $0.service)
        }
        guard known.isEmpty || !world.arrivals(of: route).isEmpty else {
            return (
                .error, "the route takes no port that speaks requests, so the policy does nothing",
                "Correct the route's parents, or the appProtocol of their ports."
            )
        }
        let rewrites = route.rules.contains { rule in
            rule.rewrite?.path != nil || rule.backends.contains { $0.rewrite?.path != nil }
        }
        guard !rewrites else {
            return (
                .error, "the route rewrites paths, and policies judge requests where they arrive, after that",
                "Name the Service as target, and the paths as its application sees them in `to`."
            )
        }
        for rule in route.rules {
            let matched = Set(rule.matches.flatMap(\.headers).map(\.name))
            let changes = [rule.requestHeaders] + rule.backends.map(\.requestHeaders)
            let changed = changes.flatMap { $0.set.map(\.name) + $0.add.map(\.name) + $0.remove }
            if let name = changed.map({ $0.lowercased() }).first(where: matched.contains) {
                return (
                    .error,
                    "the route changes the header \(name) that it matches by, and policies judge requests after that",
                    "Name the Service as target, with a condition on the header in `when`."
                )
            }
        }
        guard let other = foreign.first else { return nil }
        return (
            .warning,
            "some requests of the route arrive at \(other.service), which is not this policy's to judge",
            other.kind == .service
                ? "Put a policy into the namespace \(other.service.namespace) too."
                : "Let the route lead into its own namespace only, or give the others a route of their own."
        )
    }

    // MARK: Rivals

    /// PeerAuthentications of one width on one target: the oldest counts.
    private static func rivals(in world: LintWorld) -> [Diagnostic] {
        enum Place: Hashable {
            case namespace(String)
            case service(ServiceName)
            case port(ServiceName, PolicyPort)
        }
        var holders: [Place: PeerAuthentication] = [:]
        var findings: [Diagnostic] = []
        for policy in world.security.peers.sorted(by: { $0.metadata.isOlder(than: $1.metadata) }) {
            var places: [(place: Place, mode: MTLSMode)] = []
            if policy.targets.isEmpty, let mode = policy.mode {
                places.append((.namespace(policy.metadata.namespace), mode))
            }
            for case .service(let service, let section) in policy.targets {
                places += policy.ports.map { (.port(service, $0.port), $0.mode) }
                if let mode = policy.mode {
                    places.append((section.map { .port(service, $0) } ?? .service(service), mode))
                }
            }
            var rivals: Set<String> = []
            for (place, _) in places {
                guard let holder = holders[place] else {
                    holders[place] = policy
                    continue
                }
                guard holder.metadata.name != policy.metadata.name, rivals.insert(holder.metadata.name).inserted else {
                    continue
                }
                findings.append(
                    policy.metadata.finding(
                        .warning, kind: .peerAuthentication, field: "spec",
                        "\(holder.metadata.name) acts on the same target, is older, and counts",
                        remedy: "Put the modes into one policy."))
            }
        }
        return findings
    }
}
