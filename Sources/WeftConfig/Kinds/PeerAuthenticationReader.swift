internal import WeftModel

/// Reads `weft.dev/v1 PeerAuthentication`.
enum PeerAuthenticationReader {
    static func read(_ document: ObjectFields) -> PeerAuthentication? {
        let metadata = MetadataReader.read(document, nameIsLabel: false)
        guard let spec = document.spec(known: ["targetRefs", "mode", "ports"]) else { return nil }
        let mode: MTLSMode? = spec["mode"].flatMap { $0.word() }
        let ports = spec["ports"].map(self.ports) ?? []
        guard let metadata, let ports,
            let targets = PolicyTargetReader.read(spec, namespace: metadata.namespace, routes: false)
        else { return nil }
        if spec["mode"] == nil, ports.isEmpty {
            spec.field.refuse("the policy sets nothing", remedy: "Add mode: strict, permissive or disabled.")
        }
        if let field = spec["ports"] {
            let hasSection = targets.contains { if case .service(_, nil) = $0 { false } else { true } }
            if targets.isEmpty || hasSection {
                field.refuse(
                    targets.isEmpty
                        ? "ports of every service of a namespace have nothing in common"
                        : "a target that is one port already has no other ports",
                    remedy: "Name the Services in targetRefs, without sectionName.")
            }
        }
        return PeerAuthentication(metadata: metadata, targets: targets, mode: mode, ports: ports)
    }

    private static func ports(_ field: Field) -> [PeerAuthentication.Port]? {
        guard let entries = field.entries() else { return nil }
        guard entries.count <= 64 else {
            field.refuse("there are \(entries.count) ports; at most 64 are allowed", remedy: "Split the policy.")
            return nil
        }
        var ports: [PeerAuthentication.Port] = []
        for (name, value) in entries {
            guard let port = PolicyTargetReader.port(name, value), let mode: MTLSMode = value.word() else { return nil }
            ports.append(PeerAuthentication.Port(port, mode: mode))
        }
        return ports
    }
}
