import WeftConfig
import WeftModel

/// Reads one file's text.
func read(_ text: String, file: String = "mesh.yaml") -> Reading {
    ConfigReader.read([SourceDocument(file: file, text: text)])
}

/// A route on `billing` whose rules are `rule`: the first one's `- ` is written here, later ones begin with their own.
func route(rule: String) -> String {
    let lines = rule.split(separator: "\n", omittingEmptySubsequences: false)
    let rest = lines.dropFirst().map { ($0.hasPrefix("- ") ? "\n  " : "\n    ") + $0 }.joined()
    return """
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {name: billing}
        spec:
          parentRefs: [{group: "", kind: Service, name: billing}]
          rules:
          - \(lines[0])\(rest)
        """
}

/// A policy on `billing` with `spec` beside its target.
func policy(_ spec: String) -> String {
    let lines = spec.split(separator: "\n").map { "\n  " + $0 }.joined()
    return """
        apiVersion: weft.dev/v1
        kind: TrafficPolicy
        metadata: {name: billing}
        spec:
          targetRefs: [{group: "", kind: Service, name: billing}]\(lines)
        """
}
