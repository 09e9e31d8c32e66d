package import FoundationEssentials

/// What the control plane remembers of a token for an agent. It admits once. Never the secret.
package struct AgentTokenRecord: Hashable, Sendable, Codable {
    package let id: String
    /// SHA-256 of the secret, hex.
    package let secretHash: String
    /// The one host that the token is for; nil lets its holder say.
    package let host: String?
    /// Seconds since 1970.
    package let createdAt: Int64
    /// Seconds since 1970; from this second on the token is refused.
    package let expiresAt: Int64
    /// Whether it has been used.
    package private(set) var isUsed: Bool
    /// Who made it, for the list.
    package let author: String

    package init(token: JoinToken, host: String?, createdAt: Date, expiresAt: Date, author: String) {
        self.id = token.id
        self.secretHash = token.secretHash
        self.host = host
        self.createdAt = Int64(createdAt.timeIntervalSince1970)
        self.expiresAt = Int64(expiresAt.timeIntervalSince1970)
        self.isUsed = false
        self.author = author
    }

    /// Takes the token's one use, for `host`. Store the changed record before anything is given for it.
    package mutating func redeem(_ token: JoinToken, host: String, now: Date) throws(AgentTokenRefusal) {
        let (left, right) = (token.secretHash.utf8, self.secretHash.utf8)
        // Takes the same time whatever the bytes are.
        let difference = zip(left, right).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) }
        guard token.id == self.id, left.count == right.count, difference == 0 else { throw .unknown }
        guard Int64(now.timeIntervalSince1970) < self.expiresAt else { throw .expired(at: self.expiresAt) }
        guard !self.isUsed else { throw .used }
        guard self.host == nil || self.host == host else { throw .otherHost(token: self.host ?? "", claimed: host) }
        self.isUsed = true
    }
}

/// Why an agent was not admitted.
package enum AgentTokenRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// No token for agents has that id and secret.
    case unknown
    case expired(at: Int64)
    case used
    case otherHost(token: String, claimed: String)
    case notAHostName(String)
    /// Too many tries of one address, or of all.
    case tooFast(seconds: Int64)

    package var description: String {
        switch self {
        case .unknown: "the token is not known here as one for agents"
        case .expired(let seconds):
            "the token expired at \(Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601))"
        case .tooFast(let seconds): "too many tries at once; try again in \(seconds) s"
        case .used: "the token has been used, and one admits one agent once"
        case .otherHost(let token, let claimed):
            "the token is for the host \(token), and this agent says that it is on \(claimed)"
        case .notAHostName(let host):
            "\"\(host.prefix(64))\" is no host's name: lower-case letters, digits and '-', in labels joined by dots"
        }
    }
}
