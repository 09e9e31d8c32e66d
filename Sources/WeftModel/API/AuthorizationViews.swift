/// `POST /v1/authorization/check`: what would happen to a call, and which rule says so.
package struct AuthorizationCheckRequest: Hashable, Sendable, Codable {
    /// A service, `billing` or `billing.default`, or a SPIFFE ID; nil is a caller in the clear.
    package var from: String?
    /// The service that is called.
    package var to: String
    /// The application's or the service's port; nil asks about all.
    package var port: Int?
    /// Nil asks about bytes.
    package var method: String?
    package var path: String?
    /// Names in lower case.
    package var headers: [String: String]
    /// Of the token that the caller proves: `realm.roles` to its values; nil comes without a token.
    package var claims: [String: [String]]?
    /// The caller's address.
    package var address: String?

    package init(
        from: String?, to: String, port: Int? = nil, method: String? = nil, path: String? = nil,
        headers: [String: String] = [:], claims: [String: [String]]? = nil, address: String? = nil
    ) {
        self.from = from
        self.to = to
        self.port = port
        self.method = method
        self.path = path
        self.headers = headers
        self.claims = claims
        self.address = address
    }
}

/// The answer: one for each of the callers' identities and each of the ports that differ.
package struct AuthorizationCheckReport: Hashable, Sendable, Codable {
    package var verdicts: [Verdict]
    /// What is doubtful about the question; nil for nothing.
    package var remarks: [String]?

    package init(verdicts: [Verdict], remarks: [String]? = nil) {
        self.verdicts = verdicts
        self.remarks = remarks
    }

    package struct Verdict: Hashable, Sendable, Codable {
        /// The SPIFFE ID; nil in the clear.
        package var identity: String?
        /// `name.namespace`.
        package var destination: String
        /// The application's port.
        package var port: Int
        package var isAllowed: Bool
        /// What a refused caller is told: `denied`, `unauthenticated`, `plaintext_refused`.
        package var reason: String?
        /// One sentence.
        package var because: String
        package var decidedBy: Provenance?
        package var findings: [Finding]

        package init(
            identity: String?, destination: String, port: Int, isAllowed: Bool, reason: String?, because: String,
            decidedBy: Provenance?, findings: [Finding]
        ) {
            self.identity = identity
            self.destination = destination
            self.port = port
            self.isAllowed = isAllowed
            self.reason = reason
            self.because = because
            self.decidedBy = decidedBy
            self.findings = findings
        }
    }

    /// What one policy has to do with it.
    package struct Finding: Hashable, Sendable, Codable {
        package var policy: Provenance
        package var action: AuthorizationAction
        package var isAudit: Bool
        /// `matched`, `notMatched` or `outOfScope`.
        package var outcome: String
        /// The rule that matched or came closest, from 1.
        package var rule: Int?
        /// Why it did not match.
        package var mismatch: String?

        package init(
            policy: Provenance, action: AuthorizationAction, isAudit: Bool, outcome: String, rule: Int?,
            mismatch: String?
        ) {
            self.policy = policy
            self.action = action
            self.isAudit = isAudit
            self.outcome = outcome
            self.rule = rule
            self.mismatch = mismatch
        }
    }
}

/// `GET /v1/authorization/coverage`: the rules that do nothing.
package struct AuthorizationCoverageReport: Hashable, Sendable, Codable {
    /// How many rules there are.
    package var rules: Int
    package var findings: [Finding]

    package init(rules: Int, findings: [Finding]) {
        self.rules = rules
        self.findings = findings
    }

    package struct Finding: Hashable, Sendable, Codable {
        package var policy: Provenance
        /// From 1; nil is about the whole policy.
        package var rule: Int?
        /// `neverMatched`, `shadowed`, `noSuchCaller`, `noIssuer` or `appliesNowhere`.
        package var kind: String
        package var cause: String

        package init(policy: Provenance, rule: Int?, kind: String, cause: String) {
            self.policy = policy
            self.rule = rule
            self.kind = kind
            self.cause = cause
        }
    }
}

/// `GET /v1/authorization/proposal?namespace=&service=`: policies that allow what was observed.
package struct AuthorizationProposalReport: Hashable, Sendable, Codable {
    /// Documents to review.
    package var yaml: String
    /// How many services they are for.
    package var services: Int
    /// Edges that were seen, and how many requests on them.
    package var edges: Int
    package var requests: UInt64

    package init(yaml: String, services: Int, edges: Int, requests: UInt64) {
        self.yaml = yaml
        self.services = services
        self.edges = edges
        self.requests = requests
    }
}
