internal import FoundationEssentials
internal import WeftIdentity
internal import WeftModel

/// What a sidecar without an identity shows to get one, and whom it shows it to.
struct JoinProof: Sendable, CustomStringConvertible {
    enum Kind: Sendable {
        case joinToken(JoinToken)
        /// A file with a service-account token.
        case kubernetes(file: String)
    }

    let kind: Kind
    /// SHA-256 of the root that the control plane must hold, hex: no proof is shown to another.
    let rootFingerprint: String

    /// Throws `ControlPlaneRefusal` when there is nothing to show.
    init(_ access: ControlPlaneAccess) throws {
        if let text = access.joinToken {
            guard let token = JoinToken(text) else {
                throw ControlPlaneRefusal(
                    cause: "the join token is not one", remedy: "it reads weft1.<id>.<secret>.<fingerprint>")
            }
            self.kind = .joinToken(token)
            self.rootFingerprint = token.rootFingerprint
        } else if let file = access.kubernetesTokenFile {
            guard let fingerprint = access.rootFingerprint, Hex.decode(fingerprint)?.count == 32 else {
                throw ControlPlaneRefusal(
                    cause:
                        "which root the control plane must hold is not known, and a token is not shown to just anybody",
                    remedy: "set --root-fingerprint to what `weft status` shows")
            }
            self.kind = .kubernetes(file: file)
            self.rootFingerprint = fingerprint
        } else {
            throw ControlPlaneRefusal(
                cause: "there is no identity and no join token", remedy: "make one with `weft token create`")
        }
    }

    /// What to do where it was refused.
    var remedy: String {
        switch self.kind {
        case .joinToken: "make a new one with `weft token create`"
        case .kubernetes: "the control plane's log says why; check its --kubernetes-audience and --kubernetes-service"
        }
    }

    /// What to do where it gives another identity than the workload says it has.
    func remedy(for service: ServiceName?, account: String?) -> String {
        switch self.kind {
        case .joinToken:
            let name = service.map { "--service \($0.name) --namespace \($0.namespace) " } ?? ""
            return "make a token with `weft token create \(name)--account \(account ?? "NAME")`, or change --account"
        case .kubernetes: return "set --account to the pod's service account"
        }
    }

    /// Without the secret.
    var description: String {
        switch self.kind {
        case .joinToken(let token): "\(token)"
        case .kubernetes(let file): "the service-account token in \(file)"
        }
    }

    /// Reads a token anew. Throws `ControlPlaneRefusal`.
    static func kubernetesToken(in file: String) throws -> String {
        guard let data = try? Data(contentsOf: URL(filePath: file)), data.count <= 16 << 10,
            let text = String(validating: data, as: UTF8.self)
        else {
            throw ControlPlaneRefusal(
                cause: "the service-account token \(file) cannot be read",
                remedy: "mount it, with the control plane's audience, and check --kubernetes-token-file")
        }
        return String(text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
