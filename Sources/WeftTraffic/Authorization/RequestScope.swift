package import WeftMessage
package import WeftModel

/// The requests that look like one of some matches; without matches, all.
package struct RequestScope: Sendable {
    private let scopes: [CompiledScope]

    package init(_ matches: [RouteMatch]) {
        var expressions = ExpressionCache()
        self.scopes = matches.map { CompiledScope($0, &expressions) }
    }

    /// Whether a request is one of them, by any reading of it; its path is in its normal form.
    package func contains(_ head: RequestHead) -> Bool {
        if self.scopes.isEmpty { return true }
        return AuthorizationRequest.with(head, claims: nil) { CompiledScope.matches(self.scopes, $0, anyReading: true) }
    }
}
