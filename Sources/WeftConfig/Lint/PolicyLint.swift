internal import WeftModel

/// Checks traffic policies against what they act on and against each other.
enum PolicyLint {
    static func findings(_ policy: TrafficPolicy, in world: LintWorld) -> [Diagnostic] {
        policy.targets.enumerated().compactMap { index, target in
            let field = "spec.targetRefs[\(index)]"
            switch target {
            case .service(let service):
                guard !world.knows(service) else { return nil }
                return policy.metadata.finding(
                    .warning, kind: .trafficPolicy, field: field,
                    "there is no service \(service) yet, so the policy does nothing",
                    remedy: world.remedy(for: service))
            case .externalService(let service):
                guard world.externals[service] == nil else { return nil }
                return policy.metadata.finding(
                    .warning, kind: .trafficPolicy, field: field,
                    "there is no external service \(service) yet, so the policy does nothing",
                    remedy: "Apply an ExternalService of that name.")
            case .route(let namespace, let name), .grpcRoute(let namespace, let name):
                let kind: ResourceKind = if case .grpcRoute = target { .grpcRoute } else { .httpRoute }
                let routes = world.allRoutes.filter { $0.kind == kind && $0.metadata.namespace == namespace }
                    .map(\.metadata.name)
                guard !routes.contains(name) else { return nil }
                return policy.metadata.finding(
                    .warning, kind: .trafficPolicy, field: field,
                    "there is no \(kind.rawValue) \(name) in \(namespace), so the policy does nothing",
                    remedy: Suggestion.nearest(to: name, among: routes).map { "Did you mean \($0)?" }
                        ?? "Apply the route too, or remove the target.")
            }
        }
    }

    /// Policies on one target: the oldest counts where both set a value.
    static func rivals(in world: LintWorld) -> [Diagnostic] {
        var byTarget: [TrafficPolicy.Target: [TrafficPolicy]] = [:]
        for policy in world.policies {
            for target in policy.targets { byTarget[target, default: []].append(policy) }
        }
        return byTarget.values.flatMap { rivals -> [Diagnostic] in
            let sorted = rivals.sorted { left, right in
                let leftAge = left.metadata.createdAt == 0 ? Int64.max : left.metadata.createdAt
                let rightAge = right.metadata.createdAt == 0 ? Int64.max : right.metadata.createdAt
                return (leftAge, left.metadata.name) < (rightAge, right.metadata.name)
            }
            guard let oldest = sorted.first else { return [] }
            return sorted.dropFirst().filter { self.overlap($0.settings, oldest.settings) }.map { policy in
                policy.metadata.finding(
                    .warning, kind: .trafficPolicy, field: "spec.targetRefs",
                    "\(oldest.metadata.name) acts on the same target, is older, and counts where both set a value",
                    remedy: "Put the values into one policy.")
            }
        }
    }

    private static func overlap(_ left: TrafficSettings, _ right: TrafficSettings) -> Bool {
        (left.connectTimeout != nil && right.connectTimeout != nil)
            || (left.requestTimeout != nil && right.requestTimeout != nil)
            || (left.perTryTimeout != nil && right.perTryTimeout != nil)
            || (left.idleTimeout != nil && right.idleTimeout != nil)
            || (left.retry != nil && right.retry != nil)
            || (left.loadBalancing != nil && right.loadBalancing != nil)
            || (left.maxPendingRequests != nil && right.maxPendingRequests != nil)
            || (left.maxRequests != nil && right.maxRequests != nil)
            || (left.maxConnections != nil && right.maxConnections != nil)
            || (left.maxRetries != nil && right.maxRetries != nil)
            || (left.balancing != nil && right.balancing != nil)
            || (left.outliers != nil && right.outliers != nil)
            || (left.healthCheck != nil && right.healthCheck != nil)
            || (left.overload != nil && right.overload != nil)
            || (left.stickyCohort != nil && right.stickyCohort != nil)
    }
}

/// Checks that what remains of a request leaves room for one try, where the two come from different resources.
enum TimeoutLint {
    static func findings(in world: LintWorld) -> [Diagnostic] {
        var findings: [Diagnostic] = []
        let mesh = world.settings?.traffic ?? TrafficSettings()
        for policy in world.policies {
            let merged = policy.settings.merged(over: mesh)
            if let conflict = self.conflict(merged), self.conflict(policy.settings) == nil {
                findings.append(
                    policy.metadata.finding(
                        .error, kind: .trafficPolicy, field: "spec.timeouts",
                        "together with MeshSettings \(conflict)",
                        remedy: "Make perTry shorter than request; zero turns either off."))
            }
        }
        for route in world.routes {
            for (index, rule) in route.rules.enumerated() {
                findings += route.parents.compactMap { parent in
                    self.finding(route, rule, index, parent.service, world)
                }.prefix(1)
            }
        }
        return findings
    }

    private static func finding(
        _ route: HTTPRoute, _ rule: HTTPRoute.Rule, _ index: Int, _ service: ServiceName, _ world: LintWorld
    ) -> Diagnostic? {
        guard rule.requestTimeout != nil || rule.backendRequestTimeout != nil else { return nil }
        var settings = TrafficSettings()
        settings.requestTimeout = rule.requestTimeout
        settings.perTryTimeout = rule.backendRequestTimeout
        guard self.conflict(settings) == nil else { return nil }
        let target = TrafficPolicy.Target.route(namespace: route.metadata.namespace, name: route.metadata.name)
        for wider in [target, .service(service)] {
            for policy in world.policies where policy.targets.contains(wider) {
                settings = settings.merged(over: policy.settings)
            }
        }
        settings = settings.merged(over: world.settings?.traffic ?? TrafficSettings())
        guard let conflict = self.conflict(settings) else { return nil }
        return route.metadata.finding(
            .error, kind: .httpRoute, field: "spec.rules[\(index)].timeouts",
            "together with the policies of \(service) \(conflict)",
            remedy: "Make one try shorter than the request; zero turns either off.", line: rule.line)
    }

    /// What is wrong between the two, in words. An equal pair is fine: then there is one try.
    private static func conflict(_ settings: TrafficSettings) -> String? {
        guard let request = settings.requestTimeout, let perTry = settings.perTryTimeout, request > .zero,
            perTry > request
        else { return nil }
        return "one try may take \(DurationText.text(perTry)), but the whole request only \(DurationText.text(request))"
    }
}
