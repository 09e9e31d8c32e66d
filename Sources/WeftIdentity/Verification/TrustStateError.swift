package import WeftModel

/// Why a trust state cannot be put in force. The one before stays.
package enum TrustStateError: Error, Hashable, Sendable, CustomStringConvertible {
    /// It trusts no root of the mesh's own trust domain, so that nobody could be believed any more.
    case noRoots(TrustDomain)
    /// It is of another trust domain than this mesh's.
    case otherTrustDomain(TrustDomain, expected: TrustDomain)
    case malformedRoot(TrustDomain, cause: String)
    /// A name in it that is no trust domain or SPIFFE ID.
    case malformedName(String)
    /// More of something than is taken; the text says of what.
    case tooMany(String, count: Int, limit: Int)

    package var description: String {
        switch self {
        case .noRoots(let domain):
            "the trust state has no root of \(domain); it is not put in force, because nobody would be believed"
        case .otherTrustDomain(let domain, let expected):
            "the trust state is of \(domain), not \(expected); check which control plane this is"
        case .malformedRoot(let domain, let cause): "a root of \(domain) cannot be read: \(cause)"
        case .malformedName(let text): "\(text) in the trust state is no name of an identity or trust domain"
        case .tooMany(let what, let count, let limit):
            "the trust state has \(count) \(what); at most \(limit) are taken"
        }
    }
}
