internal import WeftModel

/// Checks routes against the services that they name.
enum RouteLint {
    static func findings(_ route: LintRoute, in world: LintWorld) -> [Diagnostic] {
        self.parents(route, world) + self.rules(route, world) + self.shadowed(route)
    }

    private static func parents(_ route: LintRoute, _ world: LintWorld) -> [Diagnostic] {
        route.parents.enumerated().compactMap { index, parent in
            let field = "spec.parentRefs[\(index)]"
            guard world.knows(parent.service) else {
                return route.metadata.finding(
                    .warning, kind: route.kind, field: field,
                    world.absence(
                        of: "service \(parent.service)", "the route takes no \(route.loss.traffic)"),
                    remedy: world.remedy(for: parent.service))
            }
            guard let service = world.services[parent.service] else { return nil }
            let covered = service.ports.filter { parent.covers(port: $0.port, named: $0.name) }
            guard let port = covered.first else {
                return route.metadata.finding(
                    .warning, kind: route.kind, field: field,
                    "the service \(parent.service) has no such port, so the route takes no \(route.loss.traffic)",
                    remedy: "Name one of its ports: \(self.list(service)).")
            }
            guard !covered.contains(where: { $0.appProtocol.suits(route.kind) }) else { return nil }
            return route.metadata.finding(
                .warning, kind: route.kind, field: field,
                "port \(port.port) of \(parent.service) speaks \(port.appProtocol.rawValue), which no "
                    + "\(route.kind.rawValue) carries, so the route takes no \(route.loss.traffic)",
                remedy: port.appProtocol.allowsRequests
                    ? "Write an HTTPRoute or a GRPCRoute, or correct the port's appProtocol."
                    : "Write a TCPRoute or a TLSRoute, or correct the port's appProtocol.")
        }
    }

    private static func rules(_ route: LintRoute, _ world: LintWorld) -> [Diagnostic] {
        guard !route.rules.isEmpty else {
            return [
                route.metadata.finding(
                    .warning, kind: route.kind, field: "spec.rules",
                    "without rules the route takes every call, and \(route.loss.all)",
                    remedy: "Add a rule with backendRefs.")
            ]
        }
        return route.rules.enumerated().flatMap { index, rule -> [Diagnostic] in
            let field = "spec.rules[\(index)].backendRefs"
            func warn(_ field: String, _ message: String, _ remedy: String) -> Diagnostic {
                route.metadata.finding(
                    .warning, kind: route.kind, field: field, message, remedy: remedy, line: rule.line)
            }
            if rule.redirect != nil { return [] }
            guard !rule.backends.isEmpty else {
                return [warn(field, "the rule names no backend: \(route.loss.all)", "Add backendRefs.")]
            }
            var findings: [Diagnostic] = []
            if rule.backends.allSatisfy({ $0.weight == 0 }) {
                findings.append(
                    warn(
                        field, "all weights are 0: \(route.loss.all)", "Give one backend a weight above 0."))
            }
            for (position, backend) in rule.backends.enumerated() {
                if let problem = self.problem(backend.reference, route.loss.share, world) {
                    findings.append(warn("\(field)[\(position)]", problem.what, problem.remedy))
                } else if let spoken = self.mismatch(backend.reference, route, world) {
                    findings.append(
                        warn(
                            "\(field)[\(position)]",
                            "\(backend.service):\(backend.port) speaks \(spoken.rawValue), which no "
                                + "\(route.kind.rawValue) carries",
                            "Name a port that speaks what the route carries, or correct its appProtocol."))
                }
            }
            for mirror in rule.mirrors + rule.backends.flatMap(\.mirrors) {
                if let problem = self.problem(mirror.backend, "nothing is mirrored", world) {
                    findings.append(warn("spec.rules[\(index)].filters", problem.what, problem.remedy))
                }
            }
            return findings
        }
    }

    /// What a destination speaks, where the route cannot carry it.
    private static func mismatch(
        _ reference: BackendReference, _ route: LintRoute, _ world: LintWorld
    ) -> AppProtocol? {
        let spoken: AppProtocol? =
            switch reference.kind {
            case .service:
                world.services[reference.service]?.ports.first { $0.port == reference.port }?.appProtocol
            case .externalService:
                world.externals[reference.service]?.ports.first { $0.port == reference.port }?.appProtocol
            }
        return spoken.flatMap { $0.suits(route.kind) ? nil : $0 }
    }

    /// What keeps a destination from being one, with what follows.
    private static func problem(
        _ reference: BackendReference, _ consequence: String, _ world: LintWorld
    ) -> (what: String, remedy: String)? {
        let name = reference.service
        switch reference.kind {
        case .externalService:
            guard let external = world.externals[name] else {
                return (
                    world.absence(of: "external service \(name)", consequence, separator: ": "),
                    "Apply an ExternalService of that name."
                )
            }
            if external.ports.contains(where: { $0.port == reference.port }) { return nil }
            let ports = external.ports.map { "\($0.port)" }.joined(separator: ", ")
            return (
                "the external service \(name) has no port \(reference.port): \(consequence)",
                "Name one of its ports: \(ports)."
            )
        case .service:
            guard world.knows(name) else {
                return (
                    world.absence(of: "service \(name)", consequence, separator: ": "), world.remedy(for: name)
                )
            }
            guard let service = world.services[name], !service.ports.contains(where: { $0.port == reference.port })
            else { return nil }
            return (
                "the service \(name) has no port \(reference.port): \(consequence)",
                "Name one of its ports: \(self.list(service))."
            )
        }
    }

    /// A match that an equal one always precedes.
    private static func shadowed(_ route: LintRoute) -> [Diagnostic] {
        var findings: [Diagnostic] = []
        var seen: Set<RouteMatch> = []
        for (index, rule) in route.rules.enumerated() {
            for match in Set(rule.matches.isEmpty ? [RouteMatch()] : rule.matches)
            where !seen.insert(match).inserted {
                findings.append(
                    route.metadata.finding(
                        .warning, kind: route.kind, field: "spec.rules[\(index)].matches",
                        "an earlier rule takes the same requests, so this match is never reached",
                        remedy: "Make the match narrower, or remove it.", line: rule.line))
            }
        }
        return findings
    }

    private static func list(_ service: Service) -> String {
        service.ports.map { $0.name.isEmpty ? "\($0.port)" : "\($0.port) (\($0.name))" }.joined(separator: ", ")
    }
}
