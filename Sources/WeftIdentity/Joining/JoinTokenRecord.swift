package import FoundationEssentials
package import WeftModel

/// What the control plane remembers of a join token: whom it admits, until when, how often. Never the secret.
package struct JoinTokenRecord: Hashable, Sendable, Codable {
    package let id: String
    /// SHA-256 of the secret, hex.
    package let secretHash: String
    package let namespace: String
    /// The one service that workloads joining with this token may register.
    package let service: String
    /// The account in their SPIFFE ID; the service's name unless set otherwise.
    package let account: String
    /// Seconds since 1970.
    package let createdAt: Int64
    /// Seconds since 1970; from this second on the token is refused.
    package let expiresAt: Int64
    /// How often the token may still be used; nil has no limit.
    package private(set) var usesLeft: Int?
    /// How often it has been used.
    package private(set) var uses: Int
    /// Who made it, for the list.
    package let author: String
    /// The addresses that it may be used from, as `NetworkPrefix` writes them; nil, as in older records, takes any.
    package let network: String?
    /// The labels that workloads joining with this token may claim; nil, as in older records, for none.
    package let labels: [String: String]?

    package init(
        token: JoinToken, namespace: String, service: String, account: String? = nil, createdAt: Date,
        expiresAt: Date, uses: Int? = 1, author: String, network: NetworkPrefix? = nil,
        labels: [String: String] = [:]
    ) {
        self.id = token.id
        self.secretHash = token.secretHash
        self.namespace = namespace
        self.service = service
        self.account = account ?? service
        self.createdAt = Int64(createdAt.timeIntervalSince1970)
        self.expiresAt = Int64(expiresAt.timeIntervalSince1970)
        self.usesLeft = uses
        self.uses = 0
        self.author = author
        self.network = network?.description
        self.labels = labels.isEmpty ? nil : labels
    }

    /// The identity that the token admits to `trustDomain`.
    package func identity(in trustDomain: TrustDomain) -> SPIFFEID {
        SPIFFEID(trustDomain: trustDomain, namespace: self.namespace, account: self.account)
    }

    /// Takes one use. Store the changed record in the transaction that read it, so that a use is taken once only.
    ///
    /// - Parameter source: the 4 or 16 bytes of the address that it is used from; empty is no known address.
    package mutating func redeem(_ token: JoinToken, from source: [UInt8] = [], now: Date) throws(JoinTokenRefusal) {
        guard token.id == self.id, Self.equal(token.secretHash, self.secretHash) else { throw .wrongSecret }
        // A network that cannot be read lets nobody in.
        if let network = self.network, NetworkPrefix(network)?.contains(source) != true {
            throw .otherNetwork(token: network)
        }
        guard Int64(now.timeIntervalSince1970) < self.expiresAt else { throw .expired(at: self.expiresAt) }
        if let left = self.usesLeft {
            guard left > 0 else { throw .usedUp(uses: self.uses) }
            self.usesLeft = left - 1
        }
        self.uses += 1
    }

    /// Takes the same time whatever the bytes are.
    private static func equal(_ left: String, _ right: String) -> Bool {
        guard left.utf8.count == right.utf8.count else { return false }
        return zip(left.utf8, right.utf8).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}

/// Why a join token was refused. The first three look the same to whoever tried; `cause` tells them apart, for the log.
package enum JoinTokenRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// No token has that id.
    case unknown
    case wrongSecret
    /// The token is good, but for another network than it came from.
    case otherNetwork(token: String)
    case expired(at: Int64)
    case usedUp(uses: Int)
    /// The workload says that it belongs to another service than the token is for.
    case otherService(token: String, claimed: String)

    package var description: String {
        switch self {
        case .unknown, .wrongSecret, .otherNetwork: "the join token is not known here"
        case .expired(let seconds):
            "the join token expired at \(Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601))"
        case .otherService(let token, let claimed):
            "the join token is for the service \(token), and this workload says that it is \(claimed)"
        case .usedUp(let uses):
            "the join token has been used \(uses == 1 ? "once" : "\(uses) times"), which is all it allows"
        }
    }

    /// Exactly why, for the log and the audit: never for whoever tried.
    package var cause: String {
        switch self {
        case .unknown: "no join token has that id"
        case .wrongSecret: "the secret is not that of the join token"
        case .otherNetwork(let network): "the join token is for the network \(network), and was used from elsewhere"
        case .expired, .usedUp, .otherService: self.description
        }
    }
}
