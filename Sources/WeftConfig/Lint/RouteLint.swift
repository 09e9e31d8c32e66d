internal import WeftModel

/// Checks routes against services and against each other.
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
                    "there is no service \(parent.service) yet, so the route takes no calls",
                    remedy: world.remedy(for: parent.service))
            }
            guard let service = world.services[parent.service] else { return nil }
            let matches = service.ports.contains { port in
                (parent.port ?? port.port) == port.port && (parent.portName ?? port.name) == port.name
            }
            guard !matches else { return nil }
            return route.metadata.finding(
                .warning, kind: route.kind, field: field,
                "the service \(parent.service) has no such port, so the route takes no calls",
                remedy: "Name one of its ports: \(self.list(service)).")
        }
    }

    private static func rules(_ route: LintRoute, _ world: LintWorld) -> [Diagnostic] {
        guard !route.rules.isEmpty else {
            return [
                route.metadata.finding(
                    .warning, kind: route.kind, field: "spec.rules",
                    "without rules the route takes every call and answers it with 500",
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
                return [warn(field, "the rule names no backend: its calls get 500", "Add backendRefs.")]
            }
            var findings: [Diagnostic] = []
            if rule.backends.allSatisfy({ $0.weight == 0 }) {
                findings.append(
                    warn(field, "all weights are 0: the rule's calls get 500", "Give one backend a weight above 0."))
            }
            for (position, backend) in rule.backends.enumerated() {
                if let problem = self.problem(backend.reference, world) {
                    findings.append(
                        warn(
                            "\(field)[\(position)]", "\(problem.what): its share of the calls gets 500", problem.remedy)
                    )
                }
            }
            for mirror in rule.mirrors + rule.backends.flatMap(\.mirrors) {
                if let problem = self.problem(mirror.backend, world) {
                    findings.append(
                        warn("spec.rules[\(index)].filters", "\(problem.what): nothing is mirrored", problem.remedy))
                }
            }
            return findings
        }
    }

    /// What keeps a destination from being one.
    private static func problem(_ reference: BackendReference, _ world: LintWorld) -> (what: String, remedy: String)? {
        let name = reference.service
        switch reference.kind {
        case .externalService:
            guard let external = world.externals[name] else {
                return ("there is no external service \(name) yet", "Apply an ExternalService of that name.")
            }
            if external.ports.contains(where: { $0.port == reference.port }) { return nil }
            let ports = external.ports.map { "\($0.port)" }.joined(separator: ", ")
            return ("the external service \(name) has no port \(reference.port)", "Name one of its ports: \(ports).")
        case .service:
            guard world.knows(name) else { return ("there is no service \(name) yet", world.remedy(for: name)) }
            guard let service = world.services[name], !service.ports.contains(where: { $0.port == reference.port })
            else { return nil }
            return (
                "the service \(name) has no port \(reference.port)", "Name one of its ports: \(self.list(service))."
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
