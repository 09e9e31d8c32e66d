internal import WeftModel

/// Checks what is said about balancing against the routes that it would act on.
enum BalancingLint {
    static func findings(in world: LintWorld) -> [Diagnostic] {
        world.routes.flatMap { self.stickySplits($0, in: world) }
            + world.policies.flatMap { self.keyWithoutHash($0, in: world) + self.cohortWithoutSides($0, in: world) }
            + self.twoWays(in: world)
    }

    // MARK: Sides of a split

    /// A user who returns to an endpoint must first return to its side of a split.
    private static func stickySplits(_ route: LintRoute, in world: LintWorld) -> [Diagnostic] {
        guard route.kind == .httpRoute || route.kind == .grpcRoute else { return [] }
        let isLeftToChance = route.services.contains {
            world.effective($0, through: route).settings.stickyCohort == nil
        }
        guard isLeftToChance else { return [] }
        return route.rules.enumerated().compactMap { index, rule in
            let sides = rule.backends.filter { $0.weight > 0 }
            // A session of the rule's own keeps the side too.
            guard sides.count > 1, rule.session == nil,
                let who = sides.lazy.compactMap({ self.returning(world.effective($0.reference)) }).first
            else { return nil }
            return route.metadata.finding(
                .warning, kind: route.kind, field: "spec.rules[\(index)].backendRefs",
                "\(who.layer.name(of: who.setting)) of \(who.layer.key) returns callers to their endpoint, but each "
                    + "request chooses its side of these weights at random",
                remedy: "Add stickyCohort to a TrafficPolicy of the route.", line: rule.line)
        }
    }

    /// What gives callers a cookie that leads back to an endpoint.
    private static func returning(_ traffic: LintTraffic) -> LintOrigin? {
        if traffic.isSticky { return traffic.origin(.stickyCookie) }
        if traffic.isHashing, case .cookie(_, _?)? = traffic.settings.balancing?.hashKey {
            return traffic.origin(.hashKey)
        }
        return nil
    }

    /// What keeps users on one side, where there is only one.
    private static func cohortWithoutSides(_ policy: TrafficPolicy, in world: LintWorld) -> [Diagnostic] {
        guard policy.settings.stickyCohort != nil else { return [] }
        var routes: [LintRoute] = []
        for target in policy.targets {
            switch target {
            case .service(let service): routes += world.routes(of: service)
            case .route, .grpcRoute: if let route = world.route(target) { routes.append(route) }
            case .externalService: continue
            }
        }
        // What is missing may stand elsewhere; a missing target has a warning of its own.
        let isKnown = policy.targets.contains { if case .service(let name) = $0 { world.knows(name) } else { false } }
        if routes.isEmpty, world.scope == .documents || !isKnown { return [] }
        let hasSides = routes.contains { route in
            (route.kind == .httpRoute || route.kind == .grpcRoute) && route.rules.contains { $0.backends.count > 1 }
        }
        guard !hasSides else { return [] }
        return [
            policy.metadata.finding(
                .warning, kind: .trafficPolicy, field: "spec.stickyCohort",
                "no route that this acts on has weights, so there are no sides for users to stay on",
                remedy: "Remove it, or give a rule of the route a second backend.",
                line: policy.settings.lines[.stickyCohort])
        ]
    }

    // MARK: Hashes

    /// A key without an algorithm that hashes, where no other policy has one either.
    private static func keyWithoutHash(_ policy: TrafficPolicy, in world: LintWorld) -> [Diagnostic] {
        guard let key = policy.settings.balancing?.hashKey, policy.settings.loadBalancing == nil,
            !policy.targets.contains(where: { world.effective($0).isHashing })
        else { return [] }
        return [
            policy.metadata.finding(
                .warning, kind: .trafficPolicy, field: "spec.loadBalancing.hashOn",
                "no policy of the target chooses an algorithm that hashes, so \(self.name(key)) does nothing",
                remedy: "Add algorithm: ring-hash or algorithm: maglev.", line: policy.settings.lines[.hashKey])
        ]
    }

    /// A cookie that leads to an endpoint, beside a hash that leads to one.
    private static func twoWays(in world: LintWorld) -> [Diagnostic] {
        var findings = LintFindings()
        for traffic in [world.base] + world.targets.map(world.effective) where traffic.isSticky {
            guard let algorithm = traffic.settings.loadBalancing, algorithm.isHashing else { continue }
            findings.add(
                #function, traffic.origins([.stickyCookie, .loadBalancing]),
                "stickiness returns callers to their endpoint, whatever the algorithm: \(algorithm.rawValue) has a say in "
                    + "their first call only",
                remedy: "Remove `stickiness`, or choose an algorithm that looks at load.")
        }
        return findings.diagnostics
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
