package import WeftModel

/// Answers an `AuthorizationQuestion` policy by policy, and says why each does or does not match.
package struct AuthorizationExplainer: Sendable {
    private let authorization: Authorization
    private let trustDomain: TrustDomain

    /// - Parameter trustDomain: the mesh's own: `namespaces` are of its identities.
    package init(_ authorization: Authorization, trustDomain: TrustDomain) {
        self.authorization = authorization
        self.trustDomain = trustDomain
    }

    package func explain(_ question: AuthorizationQuestion) -> AuthorizationExplanation {
        // The order in which they count: denials, then what allows, then what only watches.
        func rank(_ policy: AuthorizationRules) -> Int { policy.isAudit ? 2 : policy.action == .deny ? 0 : 1 }
        let ordered = self.authorization.policies.enumerated()
            .sorted { (rank($0.element), $0.offset) < (rank($1.element), $1.offset) }
        let findings = ordered.map { self.finding($0.element, question) }
        let enforced = findings.filter { !$0.isAudit }
        let answer: (isAllowed: Bool, because: String, by: Provenance?)
        if let denial = enforced.first(where: { $0.action == .deny && $0.outcome == .matched }) {
            answer = (
                false, "rule \(denial.rule ?? 1) of \(denial.source.resource) denies it",
                denial.source.ofRule(denial.rule)
            )
        } else if let allowance = enforced.first(where: { $0.action == .allow && $0.outcome == .matched }) {
            answer = (
                true, "rule \(allowance.rule ?? 1) of \(allowance.source.resource) allows it",
                allowance.source.ofRule(allowance.rule)
            )
        } else {
            let applying = enforced.filter { $0.action == .allow && $0.outcome != .outOfScope }
            if let first = applying.first {
                let names = applying.prefix(3).map(\.source.resource.description).joined(separator: ", ")
                let more = applying.count > 3 ? " and \(applying.count - 3) more" : ""
                answer = (false, "no rule of \(names)\(more) allows it", first.source)
            } else if self.authorization.unmatched == .deny {
                answer = (
                    false, "no policy allows it, and the mesh denies by default", self.authorization.unmatchedSource
                )
            } else {
                answer = (true, "no policy restricts it", self.authorization.unmatchedSource)
            }
        }
        return AuthorizationExplanation(
            isAllowed: answer.isAllowed, because: answer.because, decidedBy: answer.by, findings: findings)
    }

    private func finding(
        _ policy: AuthorizationRules, _ question: AuthorizationQuestion
    ) -> AuthorizationExplanation.Finding {
        var finding = AuthorizationExplanation.Finding(
            source: policy.source, action: policy.action, isAudit: policy.isAudit, outcome: .notMatched)
        if !policy.scope.isEmpty {
            // Bytes are in the scope of a denial: what cannot be looked at must not slip past it.
            guard let request = question.request else {
                if policy.action == .allow { finding.outcome = .outOfScope }
                return self.judgeRules(policy, question, &finding)
            }
            guard self.contains(request, in: policy.scope) else {
                finding.outcome = .outOfScope
                return finding
            }
            if policy.action == .allow,
                !policy.scope.contains(where: { RequestReading.matches($0, request, anyReading: false) })
            {
                finding.mismatch =
                    "it is one of the route's only by another reading of its method, path, headers or query"
                return finding
            }
        }
        return self.judgeRules(policy, question, &finding)
    }

    /// Whether a request may be read as one of a policy's routes'; without matches, all are.
    package func contains(_ request: AuthorizationQuestion.Request, in scope: [RouteMatch]) -> Bool {
        scope.isEmpty || scope.contains { RequestReading.matches($0, request, anyReading: true) }
    }

    private func judgeRules(
        _ policy: AuthorizationRules, _ question: AuthorizationQuestion,
        _ finding: inout AuthorizationExplanation.Finding
    ) -> AuthorizationExplanation.Finding {
        guard finding.outcome != .outOfScope else { return finding }
        guard !policy.rules.isEmpty else {
            finding.mismatch = "it has no rules, so it matches nothing"
            return finding
        }
        // The rule that gets furthest before a part of it fails is the one that people meant.
        var furthest = -1
        for (index, rule) in policy.rules.enumerated() {
            guard let (stage, mismatch) = self.mismatch(rule, question, action: policy.action) else {
                finding.outcome = .matched
                finding.rule = index + 1
                finding.mismatch = nil
                return finding
            }
            guard stage > furthest else { continue }
            furthest = stage
            finding.rule = index + 1
            finding.mismatch = mismatch
        }
        return finding
    }

    /// Nil when the rule matches; else how far it got and what failed.
    private func mismatch(
        _ rule: AuthorizationRule, _ question: AuthorizationQuestion, action: AuthorizationAction
    ) -> (stage: Int, cause: String)? {
        if let cause = Self.closest(rule.from, { self.mismatch($0, question) }) { return (0, cause) }
        guard let request = question.request else {
            guard rule.needsHTTP, action == .allow else { return nil }
            return (1, "it asks for parts of a request, and bytes have none")
        }
        if let cause = Self.closest(rule.to, { Self.mismatch($0, request, action) }) { return (1, cause) }
        for condition in rule.when {
            if let cause = Self.mismatch(condition, request, action) { return (2, cause) }
        }
        return nil
    }

    /// Nil when the list is empty or one of its entries has no mismatch.
    private static func closest<Entry>(_ entries: [Entry], _ mismatch: (Entry) -> String?) -> String? {
        var causes: [String] = []
        for entry in entries {
            guard let cause = mismatch(entry) else { return nil }
            if causes.count < 3, !causes.contains(cause) { causes.append(cause) }
        }
        return causes.isEmpty ? nil : causes.joined(separator: ", and ")
    }

    // MARK: Who

    private func mismatch(_ source: AuthorizationSource, _ question: AuthorizationQuestion) -> String? {
        let id = question.identity?.description
        let who = id ?? "a caller in the clear"
        if !source.identities.isEmpty,
            !source.identities.contains(where: { pattern in id.map(pattern.matches) ?? false })
        {
            return "\(who) is not \(Self.list(source.identities.map(\.text)))"
        }
        if let id, let pattern = source.notIdentities.first(where: { $0.matches(id) }) {
            return "\(id) is excluded as \(pattern.text)"
        }
        let namespace = question.identity.flatMap { identity in
            identity.trustDomain == self.trustDomain ? identity.workload?.namespace : nil
        }
        if !source.namespaces.isEmpty, !source.namespaces.contains(where: { $0 == namespace }) {
            return "\(who) is not of the namespace \(Self.list(source.namespaces))"
        }
        if let namespace, source.notNamespaces.contains(namespace) {
            return "the namespace \(namespace) is excluded"
        }
        let address = question.address ?? []
        if !source.networks.isEmpty, !source.networks.contains(where: { $0.contains(address) }) {
            let networks = Self.list(source.networks.map(\.description))
            return question.address == nil
                ? "no address was given, and it asks for \(networks)" : "the address is not in \(networks)"
        }
        if let network = source.notNetworks.first(where: { $0.contains(address) }) {
            return "the network \(network) is excluded"
        }
        return nil
    }

    // MARK: What

    private static func mismatch(
        _ operation: AuthorizationOperation, _ request: AuthorizationQuestion.Request, _ action: AuthorizationAction
    ) -> String? {
        // To many applications `get` is GET: what denies takes any case, what allows excludes any.
        func isOne(of methods: [String], anyCase: Bool) -> Bool {
            methods.contains { $0 == request.method || anyCase && $0.uppercased() == request.method.uppercased() }
        }
        if !operation.methods.isEmpty, !isOne(of: operation.methods, anyCase: action == .deny) {
            return "\(request.method) is not \(self.list(operation.methods))"
        }
        if isOne(of: operation.notMethods, anyCase: action == .allow) { return "\(request.method) is excluded" }
        let reading = RequestReading(operation, request, action)
        if !reading.isTaken { return "the path \(request.path) is not \(self.list(operation.paths.map(\.text)))" }
        return reading.exclusion.map { "the path \(request.path) is excluded as \($0.text)" }
    }

    // MARK: When

    private static func mismatch(
        _ condition: AuthorizationCondition, _ request: AuthorizationQuestion.Request, _ action: AuthorizationAction
    ) -> String? {
        let name: String
        let reading: RequestReading?
        switch condition.subject {
        case .header(let header):
            name = "the header \(header)"
            reading = RequestReading(condition, header: header, request, action)
        case .claim(let way):
            name = "the claim \(way.joined(separator: "."))"
            reading = request.claims?[way].map { RequestReading(condition, claims: $0) }
        }
        guard let reading else {
            return !condition.values.isEmpty || condition.notValues.isEmpty ? "\(name) is not there" : nil
        }
        if !reading.isTaken { return "\(name) is not \(self.list(condition.values.map(\.text)))" }
        return reading.exclusion.map { "\(name) is excluded as \($0.text)" }
    }

    private static func list(_ texts: [String]) -> String {
        guard let last = texts.last, texts.count > 1 else { return texts.first ?? "" }
        if texts.count > 4 { return "\(texts.prefix(3).joined(separator: ", ")) or \(texts.count - 3) others" }
        return "\(texts.dropLast().joined(separator: ", ")) or \(last)"
    }
}
