internal import WeftModel

extension AuthorizationRule {
    /// Whether it asks what a token says.
    var asksForClaims: Bool { self.when.contains { if case .claim = $0.subject { true } else { false } } }
}

extension Authorization {
    /// Whether any token is believed of requests that a policy here is about. Where none is, a DENY by what tokens say keeps
    /// nobody out, and an ALLOW lets nobody in.
    func believesTokens(for policy: AuthorizationRules) -> Bool {
        self.issuers.contains { issuer in
            issuer.scope.isEmpty || policy.scope.isEmpty || issuer.scope.contains(where: policy.scope.contains)
        }
    }
}
