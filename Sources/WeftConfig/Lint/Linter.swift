package import WeftModel

/// Finds what contradicts itself across resources, each of which is valid on its own.
package enum Linter {
    /// What the resources are.
    package enum Scope: Sendable {
        /// All of the mesh's.
        case mesh
        /// Some documents alone, which may be a part: what they name may well exist.
        case documents
    }

    /// Looks at all resources together.
    ///
    /// - Parameters:
    ///   - registered: the workloads that registered by themselves; with them exist the services they registered for.
    ///   - now: seconds since 1970, for what ends; nil finds nothing that is over.
    ///   - trustDomain: the mesh's own; nil, not known, finds no identity strange.
    package static func lint(
        _ resources: [Resource], registered: [Workload] = [], now: Int64? = nil, trustDomain: TrustDomain? = nil,
        scope: Scope = .mesh
    ) -> [Diagnostic] {
        let world = LintWorld(
            resources, registered: registered, now: now, trustDomain: trustDomain, scope: scope)
        return self.rules.flatMap { $0(world) }.sorted()
    }

    /// Every check; each looks at the whole configuration.
    private static let rules: [@Sendable (LintWorld) -> [Diagnostic]] = [
        { world in world.routes.flatMap { RouteLint.findings($0, in: world) } },
        { RouteConflictLint.findings(in: $0) },
        { world in world.policies.flatMap { PolicyLint.findings($0, in: world) } },
        { PolicyLint.rivals(in: $0) },
        { ContradictionLint.findings(in: $0) },
        { CallLint.findings(in: $0) },
        { BalancingLint.findings(in: $0) },
        { OutlierLint.findings(in: $0) },
        { ExternalLint.findings(in: $0) },
        { AuthorizationLint.findings(in: $0) },
        { AuthorizationPatternLint.findings(in: $0) },
        { SecurityTargetLint.findings(in: $0) },
        { ObjectiveLint.findings(in: $0) },
    ]
}

extension Metadata {
    /// A finding about the resource that these metadata belong to.
    func finding(
        _ severity: Diagnostic.Severity, kind: ResourceKind, field: String?, _ message: String, remedy: String,
        line: Int? = nil
    ) -> Diagnostic {
        Diagnostic(
            severity, message, remedy: remedy, file: self.provenance?.file, line: line ?? self.provenance?.line,
            resource: ResourceKey(kind: kind, namespace: self.namespace, name: self.name).description, field: field)
    }

    /// Whether it counts before another: the older first, then by namespace and name. What is not stored yet is newest.
    func isOlder(than other: Metadata) -> Bool {
        let mine = self.createdAt == 0 ? Int64.max : self.createdAt
        let theirs = other.createdAt == 0 ? Int64.max : other.createdAt
        return (mine, self.namespace, self.name) < (theirs, other.namespace, other.name)
    }
}
