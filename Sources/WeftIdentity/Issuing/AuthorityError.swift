package import FoundationEssentials
package import WeftModel

/// Why a certificate authority could not be opened or would not sign.
package enum AuthorityError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The requester's mistake.
    case refusedRequest(SigningRequestError)
    /// An identity, or a saved authority, of another trust domain.
    case wrongTrustDomain(expected: TrustDomain, found: TrustDomain)
    /// An identity without a path names a trust domain, not a workload.
    case noWorkloadPath(SPIFFEID)
    /// The signing certificate has expired.
    case expired(Date)
    /// The clock is before the signing certificate's beginning.
    case notYetValid(Date)
    /// The saved authority cannot be read or does not hold together.
    case damaged(file: String, cause: String)
    /// The saved authority is encrypted and no secret was given.
    case locked(file: String)
    /// What was asked for needs the root's key, which is not here.
    case rootKeyElsewhere
    /// The rotation of the root does not do what it was asked.
    case rotation(RotationRefusal)
    /// What was made elsewhere and given here is not good.
    case material(AuthorityImportError)
    /// Files could not be read or written.
    case storage(CredentialStorageError)
    /// The cryptography itself failed.
    case signing(String)

    package var description: String {
        switch self {
        case .refusedRequest(let error): "\(error)"
        case .wrongTrustDomain(let expected, let found):
            "trust domain is \(found), expected \(expected)"
        case .noWorkloadPath(let id): "\(id) names a trust domain; a workload's identity needs a path"
        case .expired(let date):
            "the signing certificate expired at \(date.formatted(.iso8601)); check the clock, or restart the control plane to renew it"
        case .notYetValid(let date):
            "this machine's clock is before \(date.formatted(.iso8601)), when the authority was made; set the clock right"
        case .damaged(let file, let cause):
            "\(file) is damaged: \(cause); restore it from a backup, or remove it to start a new authority, which every workload must join again"
        case .locked(let file):
            "\(file) is encrypted; give --authority-passphrase-file or --authority-key-file with what it was encrypted with"
        case .rootKeyElsewhere:
            "the root's key is not on this machine; \(Self.withoutRootKey)"
        case .rotation(let refusal): "\(refusal)"
        case .material(let error): "\(error)"
        case .storage(let error): "\(error)"
        case .signing(let cause): "signing failed: \(cause)"
        }
    }
    /// What to do where the root's key is elsewhere.
    package static let withoutRootKey =
        "renew the intermediate with `weft identity intermediate request` and `install`, or give a new root that was made elsewhere: `weft identity rotate --root --root-cert`"
}
