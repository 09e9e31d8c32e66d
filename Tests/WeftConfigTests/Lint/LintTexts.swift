import Testing
import WeftConfig
import WeftModel

/// Reads documents that are valid on their own and looks at them together.
func lint(
    _ documents: [String], registered: [Workload] = [], now: Int64? = nil, trustDomain: TrustDomain? = nil,
    scope: Linter.Scope = .mesh
) -> [Diagnostic] {
    let reading = read(documents.joined(separator: "\n---\n"))
    #expect(reading.diagnostics.filter { $0.severity == .error }.map(\.description) == [])
    return Linter.lint(
        reading.resources.map(\.resource), registered: registered, now: now, trustDomain: trustDomain, scope: scope)
}

/// A Service with one port.
func service(_ name: String, _ port: String = "{port: 80}", spec: String = "") -> String {
    "apiVersion: v1\nkind: Service\nmetadata: {name: \(name)}\nspec: {ports: [\(port)]\(spec)}"
}

/// The mesh's traffic settings.
func mesh(_ traffic: String) -> String {
    "apiVersion: weft.dev/v1\nkind: MeshSettings\nmetadata: {name: mesh}\nspec: {traffic: {\(traffic)}}"
}

/// A policy on one target.
func policy(_ name: String, on kind: String = "Service", _ target: String, _ spec: String) -> String {
    let group =
        switch kind {
        case "Service": "\"\""
        case "ExternalService": "weft.dev"
        default: "gateway.networking.k8s.io"
        }
    return """
        apiVersion: weft.dev/v1
        kind: TrafficPolicy
        metadata: {name: \(name)}
        spec: {targetRefs: [{group: \(group), kind: \(kind), name: \(target)}], \(spec)}
        """
}

/// A route of any kind on one parent, which may carry a port.
func route(
    _ kind: String, _ name: String, on parent: String = "name: billing", _ rules: String, spec: String = ""
)
    -> String
{
    """
    apiVersion: gateway.networking.k8s.io/v1
    kind: \(kind)
    metadata: {name: \(name)}
    spec: {parentRefs: [{group: "", kind: Service, \(parent)}], rules: [\(rules)]\(spec)}
    """
}

/// Registered workloads of a service, told apart by number.
func workloads(_ count: Int, of service: String, labels: [String: String] = [:]) -> [Workload] {
    (0..<count).map { number in
        Workload(
            metadata: Metadata(name: "\(service)-\(number)", labels: labels), account: service, service: service,
            address: "127.0.0.1", ports: [Workload.Port(port: 8080)])
    }
}
