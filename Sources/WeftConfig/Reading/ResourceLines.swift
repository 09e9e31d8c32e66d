package import WeftModel

// Where the parts of a resource stand in the file that it was read from: what outlives the rewriting of its document.

extension Resource {
    /// Lines from 1, by the path of the part: `timeouts.request` of a policy, `rules[0]` and
    /// `rules[0].timeouts.request` of a route.
    package var lines: [String: Int] {
        switch self {
        case .trafficPolicy(let policy): Self.lines(policy.settings)
        case .meshSettings(let settings): Self.lines(settings.traffic)
        case .httpRoute(let route):
            Self.lines(route.rules.map(\.line)).merging(
                route.rules.enumerated().flatMap { index, rule in
                    rule.lines.compactMap { setting, line in
                        setting.ruleField.map { ("rules[\(index)].\($0)", line) }
                    }
                }, uniquingKeysWith: { first, _ in first })
        case .grpcRoute(let route): Self.lines(route.rules.map(\.line))
        case .service, .workload, .streamRoute, .referenceGrant, .externalService, .authorizationPolicy,
            .requestAuthentication, .peerAuthentication:
            [:]
        case .trustDomainFederation: [:]
        case .registrationEntry, .serviceObjective: [:]
        }
    }

    private static func lines(_ rules: [Int?]) -> [String: Int] {
        Dictionary(
            rules.enumerated().compactMap { index, line in line.map { ("rules[\(index)]", $0) } },
            uniquingKeysWith: { first, _ in first })
    }

    private static func lines(_ settings: TrafficSettings) -> [String: Int] {
        Dictionary(settings.lines.map { ($0.key.rawValue, $0.value) }, uniquingKeysWith: { first, _ in first })
    }

    /// What a rule may set beside the policies.
    private static let ruleSettings = TrafficSetting.allCases.filter { $0.ruleField != nil }

    /// The resource with these lines in place of its own, which mean nothing once the document has been rewritten.
    func with(lines: [String: Int]) -> Resource {
        var settings: [TrafficSetting: Int] = [:]
        for (path, line) in lines { if let setting = TrafficSetting(rawValue: path) { settings[setting] = line } }
        switch self {
        case .trafficPolicy(var policy):
            policy.settings.lines = settings
            return .trafficPolicy(policy)
        case .meshSettings(var value):
            value.traffic.lines = settings
            return .meshSettings(value)
        case .httpRoute(var route):
            for index in route.rules.indices {
                route.rules[index].line = lines["rules[\(index)]"]
                route.rules[index].lines = [:]
                for setting in Self.ruleSettings {
                    guard let field = setting.ruleField else { continue }
                    route.rules[index].lines[setting] = lines["rules[\(index)].\(field)"]
                }
            }
            return .httpRoute(route)
        case .grpcRoute(var route):
            for index in route.rules.indices { route.rules[index].line = lines["rules[\(index)]"] }
            return .grpcRoute(route)
        case .service, .workload, .streamRoute, .referenceGrant, .externalService, .authorizationPolicy,
            .requestAuthentication, .peerAuthentication:
            return self
        case .trustDomainFederation: return self
        case .registrationEntry, .serviceObjective: return self
        }
    }
}
