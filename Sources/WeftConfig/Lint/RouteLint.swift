internal import WeftModel

/// Checks routes against services and against each other.
enum RouteLint {
    static func findings(_ route: HTTPRoute, in world: LintWorld) -> [Diagnostic] {
        self.parents(route, world) + self.rules(route, world) + self.shadowed(route)
    }

    private static func parents(_ route: HTTPRoute, _ world: LintWorld) -> [Diagnostic] {
        route.parents.enumerated().compactMap { index, parent in
            let field = "spec.parentRefs[\(index)]"
            guard world.knows(parent.service) else {
                return route.metadata.finding(
                    .warning, kind: .httpRoute, field: field,
                    "there is no service \(parent.service) yet, so the route takes no calls",
                    remedy: world.remedy(for: parent.service))
            }
            guard let service = world.services[parent.service] else { return nil }
            let matches = service.ports.contains { port in
                (parent.port ?? port.port) == port.port && (parent.portName ?? port.name) == port.name
            }
            guard !matches else { return nil }
            return route.metadata.finding(
                .warning, kind: .httpRoute, field: field,
                "the service \(parent.service) has no such port, so the route takes no calls",
                remedy: "Name one of its ports: \(self.list(service)).")
        }
    }

    private static func rules(_ route: HTTPRoute, _ world: LintWorld) -> [Diagnostic] {
        guard !route.rules.isEmpty else {
            return [
                route.metadata.finding(
                    .warning, kind: .httpRoute, field: "spec.rules",
                    "without rules the route takes every call and answers it with 500",
                    remedy: "Add a rule with backendRefs.")
            ]
        }
        return route.rules.enumerated().flatMap { index, rule -> [Diagnostic] in
            let field = "spec.rules[\(index)].backendRefs"
            func warn(_ field: String, _ message: String, _ remedy: String) -> Diagnostic {
                route.metadata.finding(
                    .warning, kind: .httpRoute, field: field, message, remedy: remedy, line: rule.line)
            }
            guard !rule.backends.isEmpty else {
                return [warn(field, "the rule names no backend: its calls get 500", "Add backendRefs.")]
            }
            var findings: [Diagnostic] = []
            if rule.backends.allSatisfy({ $0.weight == 0 }) {
                findings.append(
                    warn(field, "all weights are 0: the rule's calls get 500", "Give one backend a weight above 0."))
            }
            for (position, backend) in rule.backends.enumerated() {
                let field = "\(field)[\(position)]"
                if !world.knows(backend.service) {
                    findings.append(
                        warn(
                            field, "there is no service \(backend.service) yet: its share of the calls gets 500",
                            world.remedy(for: backend.service)))
                } else if let service = world.services[backend.service],
                    !service.ports.contains(where: { $0.port == backend.port })
                {
                    findings.append(
                        warn(
                            field,
                            "the service \(backend.service) has no port \(backend.port): its share of the calls gets 500",
                            "Name one of its ports: \(self.list(service))."))
                }
            }
            return findings
        }
    }

    /// A match that an equal one always precedes.
    private static func shadowed(_ route: HTTPRoute) -> [Diagnostic] {
        var findings: [Diagnostic] = []
        var seen: Set<RouteMatch> = []
        for (index, rule) in route.rules.enumerated() {
            for match in Set(rule.matches.isEmpty ? [RouteMatch()] : rule.matches)
            where !seen.insert(match).inserted {
                findings.append(
                    route.metadata.finding(
                        .warning, kind: .httpRoute, field: "spec.rules[\(index)].matches",
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
