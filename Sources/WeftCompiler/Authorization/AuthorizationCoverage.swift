package import WeftModel

/// Finds the rules that do nothing: never matched, covered by others, about nobody, or about tokens that nobody believes.
package struct AuthorizationCoverage: Sendable {
    /// A rule of a policy, by its place from 1.
    package struct Place: Hashable, Sendable {
        package var policy: ResourceKey
        package var rule: Int

        package init(policy: ResourceKey, rule: Int) {
            self.policy = policy
            self.rule = rule
        }
    }

    package struct Finding: Hashable, Sendable {
        package var source: Provenance
        /// From 1; nil is about the whole policy.
        package var rule: Int?
        package var kind: Kind
        /// One sentence.
        package var cause: String
    }

    package enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        /// No request has matched since counting began.
        case neverMatched
        /// Whatever it matches is decided by another rule already.
        case shadowed
        /// It speaks of callers that the mesh does not have.
        case noSuchCaller
        /// It asks what tokens say, and no token is believed where it applies.
        case noIssuer
        /// It applies to no port of any workload.
        case appliesNowhere
    }

    /// What each port enforces, by listener.
    private let ports: [String: Authorization]
    /// Identities that workloads have, or may have.
    private let identities: Set<SPIFFEID>
    private let trustDomain: TrustDomain

    package init(_ snapshot: MeshSnapshot, identities: Set<SPIFFEID>, trustDomain: TrustDomain) {
        self.ports = snapshot.listeners.values.reduce(into: [:]) { ports, listener in
            if case .inbound(let inbound) = listener { ports[inbound.name] = inbound.authorization }
        }
        self.identities = identities
        self.trustDomain = trustDomain
    }

    /// - Parameters:
    ///   - policies: all there are, so that those that apply nowhere are found.
    ///   - matches: how often each rule has matched; nil while nobody counts, which finds none never matched.
    package func findings(
        policies: [(source: Provenance, rules: [AuthorizationRule])], matches: [Place: UInt64]?
    ) -> [Finding] {
        var findings: [Finding] = []
        let applying = Dictionary(
            grouping: self.ports.sorted { $0.key < $1.key }.flatMap { port in
                port.value.policies.map { (port: port.value, policy: $0) }
            }, by: { $0.policy.source.resource })
        for (source, rules) in policies {
            let uses = applying[source.resource] ?? []
            if uses.isEmpty {
                findings.append(
                    Finding(
                        source: source, rule: nil, kind: .appliesNowhere,
                        cause: "no port of a registered workload is a target of it"))
            }
            for (index, rule) in rules.enumerated() {
                let place = Place(policy: source.resource, rule: index + 1)
                func found(_ kind: Kind, _ cause: String) {
                    findings.append(Finding(source: source, rule: place.rule, kind: kind, cause: cause))
                }
                if let cause = self.absentCaller(rule) { found(.noSuchCaller, cause) }
                if rule.asksForClaims, let use = uses.first(where: { !$0.port.believesTokens(for: $0.policy) }) {
                    found(
                        .noIssuer,
                        "it asks for a claim, and no RequestAuthentication has a token believed there: "
                            + (use.policy.action == .deny ? "it denies nobody by it" : "it allows nobody by it"))
                }
                if !uses.isEmpty {
                    let covers = uses.map { Self.cover(of: index, in: $0.policy, at: $0.port) }
                    if let cover = covers[0], covers.allSatisfy({ $0 != nil }) { found(.shadowed, cover) }
                    if let matches, matches[place, default: 0] == 0 {
                        found(.neverMatched, "nothing has matched it since its proxies began to count")
                    }
                }
            }
        }
        return findings
    }

    /// Which other rule decides all that this one matches at a port; nil where none certainly does.
    private static func cover(of index: Int, in policy: AuthorizationRules, at port: Authorization) -> String? {
        let rule = policy.rules[index]
        for other in port.policies where !other.isAudit || policy.isAudit {
            guard other.scope.isEmpty || other.scope == policy.scope else { continue }
            for (place, wide) in other.rules.enumerated() {
                if other.source.resource == policy.source.resource, place == index { continue }
                guard RuleCover.covers(wide, rule) else { continue }
                // Of two that say the same, the first is the one that counts.
                if RuleCover.covers(rule, wide), other.action == policy.action,
                    (policy.source.resource, index) < (other.source.resource, place)
                {
                    continue
                }
                let name = "rule \(place + 1) of \(other.source.resource)"
                switch (policy.action, other.action) {
                case (.allow, .deny): return "\(name) denies all that it allows"
                case (.allow, .allow): return "\(name) allows all that it allows"
                case (.deny, .deny): return "\(name) denies all that it denies"
                case (.deny, .allow): continue
                }
            }
        }
        return nil
    }

    /// Why a rule can match no caller of the mesh; nil where it can.
    private func absentCaller(_ rule: AuthorizationRule) -> String? {
        guard !rule.from.isEmpty else { return nil }
        var absent: [String] = []
        for source in rule.from {
            let texts = Set(self.identities.map(\.description))
            let unknown = source.identities.filter { pattern in
                if case .exact(let id) = pattern, id.trustDomain != self.trustDomain { return false }
                return !texts.contains(where: pattern.matches)
            }
            let namespaces = Set(self.identities.compactMap { $0.workload?.namespace })
            let strangers = source.namespaces.filter { !namespaces.contains($0) }
            let noIdentity = !source.identities.isEmpty && unknown.count == source.identities.count
            let noNamespace = !source.namespaces.isEmpty && strangers.count == source.namespaces.count
            guard noIdentity || noNamespace else { return nil }
            absent += noIdentity ? unknown.map(\.text) : strangers.map { "the namespace \($0)" }
        }
        let names = absent.prefix(3).joined(separator: ", ")
        return "no workload is \(names)\(absent.count > 3 ? " or \(absent.count - 3) others" : "")"
    }
}
