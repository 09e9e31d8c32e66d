internal import WeftModel

/// Checks traffic policies against what they act on and against each other.
enum PolicyLint {
    static func findings(_ policy: TrafficPolicy, in world: LintWorld) -> [Diagnostic] {
        policy.targets.enumerated().compactMap { index, target in
            let what: String
            let remedy: String
            switch target {
            case .service(let service):
                if world.knows(service) { return nil }
                what = "service \(service)"
                remedy = world.remedy(for: service)
            case .externalService(let service):
                if world.externals[service] != nil { return nil }
                what = "external service \(service)"
                remedy = "Apply an ExternalService of that name."
            case .route(let namespace, let name), .grpcRoute(let namespace, let name):
                if world.route(target) != nil { return nil }
                let kind: ResourceKind = if case .grpcRoute = target { .grpcRoute } else { .httpRoute }
                what = "\(kind.rawValue) \(name) in \(namespace)"
                remedy = world.remedy(forRoute: name, kind, namespace: namespace)
            }
            return policy.metadata.finding(
                .warning, kind: .trafficPolicy, field: "spec.targetRefs[\(index)]",
                world.absence(of: what, "the policy does nothing"), remedy: remedy)
        }
    }

    /// Policies on one target: of those that set the same value the oldest counts.
    static func rivals(in world: LintWorld) -> [Diagnostic] {
        struct Pair: Hashable {
            let younger: ResourceKey
            let older: ResourceKey
        }
        var findings: [Diagnostic] = []
        var seen: Set<Pair> = []
        for target in world.targets {
            var holders: [TrafficSetting: LintLayer] = [:]
            for layer in (world.layers[target] ?? []).reversed() {
                var lost: [ResourceKey: Set<TrafficSetting>] = [:]
                for setting in layer.given {
                    if let holder = holders[setting] {
                        lost[holder.key, default: []].insert(setting)
                    } else {
                        holders[setting] = layer
                    }
                }
                for (older, settings) in lost.sorted(by: { $0.key < $1.key })
                where seen.insert(Pair(younger: layer.key, older: older)).inserted {
                    let values = settings.map(\.rawValue).sorted().joined(separator: ", ")
                    findings.append(
                        layer.metadata.finding(
                            .warning, kind: .trafficPolicy, field: "spec.targetRefs",
                            "\(older.name) acts on the same target, is older, and counts for what both set: \(values)",
                            remedy: "Put the values into one policy."))
                }
            }
        }
        return findings
    }
}
