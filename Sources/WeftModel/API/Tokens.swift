/// `POST /v1/tokens`: a new token.
package struct TokenRequest: Hashable, Sendable, Codable {
    package var purpose: Purpose
    /// The one service a join token is good for; required for `join`, absent for `api`.
    package var service: String?
    /// The account in the identity that a join token gives; nil is the service's name. Ignored for others.
    package var account: String?
    /// Default `default`.
    package var namespace: String
    /// How long it is good for. Default 3600; 1 to 31 536 000.
    package var ttlSeconds: Int64
    /// How many workloads may join with it. Default 1; 1 to 10 000. Ignored for `api`.
    package var uses: Int
    /// The one host that a token for an agent is good for; nil lets the agent say. Ignored for others.
    package var host: String?
    /// What an API token may do. Default viewer; ignored for `join`.
    package var role: APIRole
    /// The addresses that a join token may be used from, `10.0.0.0/8`; nil, the default, takes any. Ignored for `api`.
    package var network: String?
    /// The labels that workloads joining with it may claim towards selectors; at most 16. Ignored for others.
    package var labels: [String: String]?

    package init(
        purpose: Purpose = .join, service: String? = nil, account: String? = nil, namespace: String = "default",
        ttlSeconds: Int64 = 3600, uses: Int = 1, role: APIRole = .viewer, network: String? = nil,
        host: String? = nil, labels: [String: String]? = nil
    ) {
        self.purpose = purpose
        self.service = service
        self.account = account
        self.namespace = namespace
        self.ttlSeconds = ttlSeconds
        self.uses = uses
        self.role = role
        self.network = network
        self.host = host
        self.labels = labels
    }

    /// What is absent has its default.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            purpose: try container.decodeIfPresent(Purpose.self, forKey: .purpose) ?? .join,
            service: try container.decodeIfPresent(String.self, forKey: .service),
            account: try container.decodeIfPresent(String.self, forKey: .account),
            namespace: try container.decodeIfPresent(String.self, forKey: .namespace) ?? "default",
            ttlSeconds: try container.decodeIfPresent(Int64.self, forKey: .ttlSeconds) ?? 3600,
            uses: try container.decodeIfPresent(Int.self, forKey: .uses) ?? 1,
            role: try container.decodeIfPresent(APIRole.self, forKey: .role) ?? .viewer,
            network: try container.decodeIfPresent(String.self, forKey: .network),
            host: try container.decodeIfPresent(String.self, forKey: .host),
            labels: try container.decodeIfPresent([String: String].self, forKey: .labels))
    }

    package enum Purpose: String, Hashable, Sendable, RequestWord {
        /// A workload's first identity.
        case join
        /// Calls of this API from elsewhere: a bearer token.
        case api
        /// A host's agent.
        case agent
    }
}

/// The answer to `POST /v1/tokens`: the only time the token's text is seen.
package struct CreatedToken: Hashable, Sendable, Codable {
    /// A secret. The control plane keeps a hash of it only.
    package var token: String
    package var summary: TokenSummary

    package init(token: String, summary: TokenSummary) {
        self.token = token
        self.summary = summary
    }
}

/// A token without its secret.
package struct TokenSummary: Hashable, Sendable, Codable {
    package var id: String
    package var purpose: TokenRequest.Purpose
    /// Nil for `api` and `agent`.
    package var service: String?
    /// The account in the identity that it gives; nil for `api` and `agent`.
    package var account: String?
    package var namespace: String
    /// The host of a token for an agent, where it names one.
    package var host: String?
    /// Seconds since 1970.
    package var createdAt: Int64
    package var expiresAt: Int64
    /// Of `uses`, how many are left; always 1 of 1 for `api`.
    package var usesLeft: Int
    package var uses: Int
    /// Nil for `join`.
    package var role: APIRole?
    /// Nil where the token may be used from anywhere.
    package var network: String?
    /// Nil for none.
    package var labels: [String: String]?

    package init(
        id: String, purpose: TokenRequest.Purpose, service: String?, account: String? = nil, namespace: String,
        host: String? = nil, createdAt: Int64, expiresAt: Int64, usesLeft: Int, uses: Int, role: APIRole? = nil,
        network: String? = nil, labels: [String: String]? = nil
    ) {
        self.id = id
        self.purpose = purpose
        self.service = service
        self.account = account
        self.namespace = namespace
        self.host = host
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.usesLeft = usesLeft
        self.uses = uses
        self.role = role
        self.network = network
        self.labels = labels
    }
}

/// `GET /v1/tokens`: newest first.
package struct TokenList: Hashable, Sendable, Codable {
    package var tokens: [TokenSummary]

    package init(tokens: [TokenSummary]) { self.tokens = tokens }
}

/// `GET /v1/trust-bundle`: what proves an identity of this mesh.
package struct TrustBundleView: Hashable, Sendable, Codable {
    package var trustDomain: String
    /// Root certificates, PEM.
    package var roots: [String]
    /// SHA-256 of each root, hexadecimal, in the same order.
    package var fingerprints: [String]
    /// Other trust domains that are believed, sorted by name.
    package var federated: [FederatedBundleView]?

    package init(
        trustDomain: String, roots: [String], fingerprints: [String], federated: [FederatedBundleView]? = nil
    ) {
        self.trustDomain = trustDomain
        self.roots = roots
        self.fingerprints = fingerprints
        self.federated = federated
    }
}

/// The roots that prove identities of another trust domain.
package struct FederatedBundleView: Hashable, Sendable, Codable {
    package var trustDomain: String
    /// Root certificates, PEM.
    package var roots: [String]

    package init(trustDomain: String, roots: [String]) {
        self.trustDomain = trustDomain
        self.roots = roots
    }
}
