internal import WeftModel

/// Checks external services against each other and against the mesh's own names.
enum ExternalLint {
    static func findings(in world: LintWorld) -> [Diagnostic] {
        var findings: [Diagnostic] = []
        var owners: [String: ServiceName] = [:]
        let externals = world.externals.values.sorted { $0.metadata.isOlder(than: $1.metadata) }
        for external in externals {
            func warn(_ field: String, _ message: String, _ remedy: String) {
                findings.append(
                    external.metadata.finding(.warning, kind: .externalService, field: field, message, remedy: remedy))
            }
            let labels = external.host.split(separator: ".")
            if labels.count == 2, world.knows(ServiceName(namespace: String(labels[1]), name: String(labels[0]))) {
                warn(
                    "spec.host", "\(external.host) is a service of the mesh, which goes before it",
                    "Rename the service, or remove this resource.")
            }
            for (index, port) in external.ports.enumerated() {
                let name = "\(external.host):\(port.port)"
                if let owner = owners[name] {
                    warn(
                        "spec.ports[\(index)]", "\(owner) describes \(name) already, is older, and counts",
                        "Remove one of them.")
                } else {
                    owners[name] = external.metadata.serviceName
                }
            }
        }
        return findings
    }
}
