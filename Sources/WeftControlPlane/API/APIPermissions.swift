internal import WeftModel

/// Which role each call of the API needs. A call that is not in the table cannot be made.
///
/// Source of the split: reading is for viewers; what routes traffic for operators; what decides who is trusted, who may
/// call, and who gets credentials for admins, because whoever may change that can become anybody.
enum APIPermissions {
    enum Need: Hashable, Sendable {
        /// Needs no credentials: tells nothing that is not public.
        case nobody
        case role(APIRole)
    }

    struct Call: Hashable, Sendable {
        let method: String
        /// Segments; nil stands for any.
        let path: [String?]
        /// `GET /v1/tokens/{id}`, for metrics.
        let text: String

        init(_ method: String, _ path: String) {
            self.method = method
            self.text = "\(method) \(path)"
            self.path = path.split(separator: "/").map { $0.hasPrefix("{") ? nil : String($0) }
        }

        func matches(path other: [String]) -> Bool {
            self.path.count == other.count && zip(self.path, other).allSatisfy { $0 == nil || $0 == $1 }
        }
    }

    static let table: [(call: Call, need: Need)] = [
        (Call("GET", "/healthz"), .nobody),
        (Call("GET", "/openapi.json"), .nobody),
        (Call("GET", "/v1/trust-bundle"), .nobody),
        (Call("GET", "/v1/spiffe-bundle"), .nobody),
        (Call("POST", "/v1/apply"), .role(.operator)),
        (Call("GET", "/v1/resources"), .role(.viewer)),
        (Call("GET", "/v1/resources/{kind}/{namespace}/{name}"), .role(.viewer)),
        (Call("DELETE", "/v1/resources/{kind}/{namespace}/{name}"), .role(.operator)),
        (Call("GET", "/v1/history"), .role(.viewer)),
        (Call("GET", "/v1/status"), .role(.viewer)),
        (Call("GET", "/v1/stat"), .role(.viewer)),
        (Call("GET", "/metrics"), .role(.viewer)),
        (Call("GET", "/v1/prometheus/targets"), .role(.viewer)),
        (Call("GET", "/v1/requests"), .role(.viewer)),
        (Call("GET", "/v1/requests/{id}"), .role(.viewer)),
        (Call("GET", "/v1/tap"), .role(.operator)),
        (Call("GET", "/v1/objectives"), .role(.viewer)),
        (Call("GET", "/v1/telemetry/edges"), .role(.viewer)),
        (Call("GET", "/v1/telemetry/timeline"), .role(.viewer)),
        (Call("GET", "/v1/identity"), .role(.viewer)),
        (Call("GET", "/v1/identity/plaintext"), .role(.viewer)),
        (Call("POST", "/v1/identity/rotation"), .role(.admin)),
        (Call("POST", "/v1/identity/revocations"), .role(.admin)),
        (Call("DELETE", "/v1/identity/revocations"), .role(.admin)),
        (Call("POST", "/v1/authorization/check"), .role(.viewer)),
        (Call("GET", "/v1/authorization/proposal"), .role(.viewer)),
        (Call("GET", "/v1/authorization/usage"), .role(.viewer)),
        (Call("GET", "/v1/authorization/coverage"), .role(.viewer)),
        (Call("POST", "/v1/dashboard/codes"), .role(.viewer)),
        // What it takes is in its body.
        (Call("POST", "/v1/dashboard/sessions"), .nobody),
        // A browser's own; others are for admins to end.
        (Call("DELETE", "/v1/dashboard/sessions"), .role(.viewer)),
        (Call("GET", "/v1/tokens"), .role(.admin)),
        (Call("POST", "/v1/tokens"), .role(.admin)),
        (Call("DELETE", "/v1/tokens/{id}"), .role(.admin)),
        (Call("GET", "/v1/audit"), .role(.admin)),
    ]

    /// Kinds that only an admin may change. By name, so that a kind is guarded from its first day on.
    static let guardedKinds: Set<String> = [
        "MeshSettings", "AuthorizationPolicy", "PeerAuthentication", "RequestAuthentication", "TrustDomainFederation",
        "RegistrationEntry",
    ]

    /// What metrics call a call; never a path that a caller made up.
    static func label(method: String, path: [String]) -> String {
        self.table.first { $0.call.method == method && $0.call.matches(path: path) }?.call.text ?? "unknown"
    }

    /// Nil where there is no such call.
    static func need(method: String, path: [String]) -> Need? {
        self.table.first { $0.call.method == method && $0.call.matches(path: path) }?.need
    }

    /// The methods that a path takes; empty where there is no such path.
    static func methods(of path: [String]) -> [String] {
        self.table.filter { $0.call.matches(path: path) }.map(\.call.method)
    }

    /// What changing a resource of this kind needs.
    static func change(of kind: ResourceKind) -> APIRole {
        self.guardedKinds.contains(kind.rawValue) ? .admin : .operator
    }

    /// Throws what the caller is told where its role does not suffice.
    ///
    /// - Parameter location: the resource that is meant; nil where the call as a whole is.
    static func check(
        _ caller: APICall.Caller, has needed: APIRole, to what: String, location: String? = nil
    ) throws(APIError) {
        if let role = caller.role, role >= needed { return }
        let cause =
            caller.role.map { "\(caller) is \($0.rawValue), and \(needed.rawValue) is needed" }
            ?? "\(caller) has no role here, and \(needed.rawValue) is needed"
        throw APIError(
            status: 403, code: .forbidden, message: "you may not \(what)", location: location, cause: cause,
            remedy:
                "use a token of `weft token create --api-access --role \(needed.rawValue)`, a certificate with that role, or the control plane's Unix socket"
        )
    }
}
