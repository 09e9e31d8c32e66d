internal import WeftModel

/// Checks what policies say about balancing against the workloads and routes that they would act on.
enum BalancingLint {
    static func findings(in world: LintWorld) -> [Diagnostic] {
        world.policies.flatMap { self.stickySplits($0, in: world) + self.hashing($0, in: world) }
    }

    /// A user who returns to an endpoint must first return to its side of a split.
    private static func stickySplits(_ policy: TrafficPolicy, in world: LintWorld) -> [Diagnostic] {
        guard policy.settings.balancing?.stickyCookie != nil else { return [] }
        let services = self.services(of: policy)
        return world.routes.flatMap { route -> [Diagnostic] in
            let target = TrafficPolicy.Target.route(namespace: route.metadata.namespace, name: route.metadata.name)
            let targets = [target] + route.parents.map { .service($0.service) }
            let keepsSides = world.policies.contains { other in
                other.settings.stickyCohort != nil && other.targets.contains { targets.contains($0) }
            }
            if keepsSides || world.settings?.traffic.stickyCohort != nil { return [] }
            return route.rules.enumerated().compactMap { index, rule in
                let sides = rule.backends.filter { $0.weight > 0 }
                guard sides.count > 1, sides.contains(where: { services.contains($0.service) }) else { return nil }
                return route.metadata.finding(
                    .warning, kind: .httpRoute, field: "spec.rules[\(index)].backendRefs",
                    "the policy \(policy.metadata.name) returns callers to their endpoint, but each request chooses its "
                        + "side of these weights at random",
                    remedy: "Add stickyCohort to a TrafficPolicy of the route.", line: rule.line)
            }
        }
    }

    /// An algorithm without a key, where no wider policy has one either.
    private static func hashing(_ policy: TrafficPolicy, in world: LintWorld) -> [Diagnostic] {
        guard let key = policy.settings.balancing?.hashKey, policy.settings.loadBalancing == nil else { return [] }
        let mesh = world.settings?.traffic ?? TrafficSettings()
        let others = world.policies.filter { !Set($0.targets).isDisjoint(with: policy.targets) }
        let algorithms = others.compactMap(\.settings.loadBalancing) + [mesh.loadBalancing ?? .peakEWMA]
        guard !algorithms.contains(where: \.isHashing) else { return [] }
        return [
            policy.metadata.finding(
                .warning, kind: .trafficPolicy, field: "spec.loadBalancing.hashOn",
                "no policy of the target chooses an algorithm that hashes, so \(self.name(key)) does nothing",
                remedy: "Add algorithm: ring-hash or algorithm: maglev.")
        ]
    }

    private static func services(of policy: TrafficPolicy) -> Set<ServiceName> {
        Set(policy.targets.compactMap { if case .service(let name) = $0 { name } else { nil } })
    }

    private static func name(_ key: AffinityKey) -> String {
        switch key {
        case .header(let name): "the header \(name)"
        case .cookie(let name, _): "the cookie \(name)"
        case .query(let name): "the query parameter \(name)"
        case .source: "the source"
        }
    }
}
