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
            answer = (false, "rule \(denial.rule ?? 1) of \(denial.source.resource) denies it", denial.source)
        } else if let allowance = enforced.first(where: { $0.action == .allow && $0.outcome == .matched }) {
            answer = (true, "rule \(allowance.rule ?? 1) of \(allowance.source.resource) allows it", allowance.source)
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

    /// Whether what acts on requests of this scope acts on a request; an empty scope is all.
    package static func covers(_ scope: [RouteMatch], _ request: AuthorizationQuestion.Request) -> Bool {
        scope.isEmpty || scope.contains { self.matches($0, request) }
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
            guard policy.scope.contains(where: { Self.matches($0, request) }) else {
                finding.outcome = .outOfScope
                return finding
            }
        }
        return self.judgeRules(policy, question, &finding)
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
        if let cause = Self.closest(rule.to, { Self.mismatch($0, request) }) { return (1, cause) }
        for condition in rule.when {
            if let cause = Self.mismatch(condition, request) { return (2, cause) }
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
        _ operation: AuthorizationOperation, _ request: AuthorizationQuestion.Request
    ) -> String? {
        if !operation.methods.isEmpty, !operation.methods.contains(request.method) {
            return "\(request.method) is not \(self.list(operation.methods))"
        }
        if operation.notMethods.contains(request.method) { return "\(request.method) is excluded" }
        if !operation.paths.isEmpty, !operation.paths.contains(where: { $0.matches(request.path) }) {
            return "the path \(request.path) is not \(self.list(operation.paths.map(\.text)))"
        }
        if let pattern = operation.notPaths.first(where: { $0.matches(request.path) }) {
            return "the path \(request.path) is excluded as \(pattern.text)"
        }
        return nil
    }

    // MARK: When

    private static func mismatch(
        _ condition: AuthorizationCondition, _ request: AuthorizationQuestion.Request
    ) -> String? {
        let name: String
        let found: [String]?
        switch condition.subject {
        case .header(let header):
            name = "the header \(header)"
            found = request.headers[header].map { [$0] }
        case .claim(let way):
            name = "the claim \(way.joined(separator: "."))"
            found = request.claims?[way]
        }
        if let found {
            if !condition.values.isEmpty, !condition.values.contains(where: { found.contains(where: $0.matches) }) {
                return "\(name) is not \(self.list(condition.values.map(\.text)))"
            }
            if let pattern = condition.notValues.first(where: { found.contains(where: $0.matches) }) {
                return "\(name) is excluded as \(pattern.text)"
            }
        } else if !condition.values.isEmpty || condition.notValues.isEmpty {
            return "\(name) is not there"
        }
        return nil
    }

    // MARK: Scope

    private static func matches(_ match: RouteMatch, _ request: AuthorizationQuestion.Request) -> Bool {
        if let method = match.method, method != request.method { return false }
        switch match.path {
        case .exact(let path): if path != request.path { return false }
        case .prefix(let prefix):
            let trimmed = prefix.hasSuffix("/") ? String(prefix.dropLast()) : prefix
            if request.path != trimmed, !request.path.hasPrefix(trimmed + "/") { return false }
        case .regularExpression(let text): if !self.matches(text, request.path) { return false }
        }
        for header in match.headers where !self.matches(header.value, request.headers[header.name]) { return false }
        for parameter in match.queryParameters
        where !self.matches(parameter.value, request.query[parameter.name]) {
            return false
        }
        return true
    }

    private static func matches(_ match: StringMatch, _ value: String?) -> Bool {
        guard let value else { return false }
        switch match {
        case .exact(let exact): return exact == value
        case .regularExpression(let text): return self.matches(text, value)
        case .present: return true
        }
    }

    private static func matches(_ expression: String, _ text: String) -> Bool {
        guard let expression = try? RegularExpression(expression) else { return false }
        return expression.matches(text)
    }

    private static func list(_ texts: [String]) -> String {
        guard let last = texts.last, texts.count > 1 else { return texts.first ?? "" }
        if texts.count > 4 { return "\(texts.prefix(3).joined(separator: ", ")) or \(texts.count - 3) others" }
        return "\(texts.dropLast().joined(separator: ", ")) or \(last)"
    }
}
