internal import WeftModel

/// Reads `v1 Service`.
enum ServiceReader {
    static func read(_ document: ObjectFields) -> Service? {
        let metadata = MetadataReader.read(document, nameIsLabel: true)
        guard
            let spec = document.spec(
                known: ["ports", "selector", "type"], ignored: self.decidedByKubernetes,
                refused: [
                    "externalName": "A service outside the mesh cannot be described yet.",
                    "externalIPs": "Traffic from outside comes through your gateway: describe it there.",
                    "loadBalancerIP": "Traffic from outside comes through your gateway: describe it there.",
                ])
        else { return nil }
        if let type = spec["type"], let text = type.text(), text != "ClusterIP" {
            type.refuse(
                "a service of type \(YAMLNode.shortened(text)) is no concern of the mesh: it carries the calls between "
                    + "services, and a gateway those from outside",
                remedy: "Remove `type`, or write ClusterIP.")
        }
        let selector = spec["selector"].map { $0.labels() } ?? [:]
        let ports = spec.required("ports", remedy: "Add `ports:` with an item `- port: 80`.").flatMap(self.ports)
        guard let metadata, let selector, let ports else { return nil }
        return Service(metadata: metadata, ports: ports, selector: selector)
    }

    /// Fields of a Kubernetes Service that change nothing for callers in the mesh.
    private static let decidedByKubernetes: Set<String> = [
        "clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy", "externalTrafficPolicy",
        "sessionAffinity", "sessionAffinityConfig", "publishNotReadyAddresses", "trafficDistribution",
    ]

    private static func ports(_ field: Field) -> [Service.Port]? {
        guard let items = field.list(atLeast: 1, atMost: 64) else { return nil }
        var ports: [Service.Port] = []
        for item in items {
            guard let port = self.port(item, named: items.count > 1) else { continue }
            if ports.contains(where: { $0.port == port.port }) {
                item.refuse("port \(port.port) stands twice", remedy: "Give each item a port of its own.")
            }
            if !port.name.isEmpty, ports.contains(where: { $0.name == port.name }) {
                item.refuse("the port name \(port.name) stands twice", remedy: "Give each item a name of its own.")
            }
            ports.append(port)
        }
        return ports
    }

    private static func port(_ field: Field, named: Bool) -> Service.Port? {
        guard
            let object = field.object(
                known: ["name", "port", "targetPort", "appProtocol", "protocol"],
                refused: ["nodePort": "Traffic from outside comes through your gateway: describe it there."])
        else { return nil }
        let name: String?
        if named {
            name = object.required("name", remedy: "With several ports each needs a `name`.")?.portName()
        } else {
            name = object["name"].map { $0.portName() } ?? ""
        }
        let number = object.required("port", remedy: "Add the `port` that callers use.")?.port()
        let target = object["targetPort"].map(self.targetPort)
        let application = object["appProtocol"].map(AppProtocolReader.read) ?? .detect
        if let transport = object["protocol"], let text = transport.text(), text != "TCP" {
            transport.refuse(
                "\(YAMLNode.shortened(text)) does not cross the mesh", remedy: "Write TCP, or remove the port.")
        }
        guard let name, let number, let application else { return nil }
        switch target {
        case .none: return Service.Port(name: name, port: number, appProtocol: application)
        case .some(.none): return nil
        case .some(.some(let target)):
            return Service.Port(name: name, port: number, targetPort: target, appProtocol: application)
        }
    }

    private static func targetPort(_ field: Field) -> Service.TargetPort? {
        if case .text = field.node.value { return field.portName().map(Service.TargetPort.name) }
        return field.port().map(Service.TargetPort.number)
    }
}

/// Reads what an application speaks.
enum AppProtocolReader {
    static func read(_ field: Field) -> AppProtocol? {
        guard let text = field.text() else { return nil }
        if let value = AppProtocol(rawValue: text) { return value }
        switch text {
        // WebSocket begins as HTTP/1.1.
        case "kubernetes.io/ws": return .http
        // Its own TLS goes through as it is.
        case "https", "kubernetes.io/wss": return .tls
        // What is no HTTP crosses as bytes; these are the names that IANA has for the usual ones.
        case "postgresql", "postgres", "mysql", "redis", "mongo", "mongodb", "amqp", "kafka", "mqtt", "memcached",
            "smtp",
            "ssh", "ftp", "ldap", "nats":
            return .tcp
        case "h2c", "http2":
            field.refuse("there is no \"\(text)\" here", remedy: "Write kubernetes.io/h2c.")
        default:
            let known = AppProtocol.allCases.map(\.rawValue)
            field.refuse(
                "there is no protocol \"\(YAMLNode.shortened(text))\" here",
                remedy: Suggestion.remedy(for: text, among: known, noun: "Values"))
        }
        return nil
    }
}
