internal import WeftModel

/// Checks what objectives are about, and whether two of them say different things of it.
enum ObjectiveLint {
    static func findings(in world: LintWorld) -> [Diagnostic] {
        var findings: [Diagnostic] = []
        for objective in world.objectives {
            func warn(_ message: String, _ remedy: String, field: String = "spec.targetRef") {
                findings.append(
                    objective.metadata.finding(
                        .warning, kind: .serviceObjective, field: field, message, remedy: remedy))
            }
            switch objective.target {
            case .service(let service):
                if !world.knows(service) {
                    warn(
                        world.absence(of: "service \(service)", "the objective judges nothing"),
                        world.remedy(for: service))
                }
            case .route(let key):
                if world.route(key) == nil {
                    warn(
                        world.absence(
                            of: "\(key.kind.rawValue) \(key.name) in \(key.namespace)",
                            "the objective judges nothing"),
                        world.remedy(forRoute: key.name, key.kind, namespace: key.namespace))
                }
            }
        }
        return findings
    }
}
