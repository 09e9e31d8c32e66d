/// `GET /v1/identity`: the certificate authority, who trusts which of its roots, and whom it refuses.
package struct IdentityReport: Hashable, Sendable, Codable {
    package var trustDomain: String
    /// Seconds since 1970, as are all times here.
    package var now: Int64
    /// The issuing one first; two while the root is being rotated.
    package var roots: [RootStatus]
    package var intermediateExpiresAt: Int64
    /// Whether the root's key is kept elsewhere.
    package var isRootOffline: Bool
    /// Whether the authority's keys are encrypted on disk.
    package var isEncrypted: Bool
    /// How many proxies are known.
    package var proxies: Int
    /// The rotation that runs, or the last one; nil where there never was one.
    package var rotation: RotationStatus?
    /// Sorted by identity.
    package var revoked: [RevokedIdentity]
    /// The version of what is trusted.
    package var trustVersion: UInt64
    /// What is doubtful about what was asked for; nil for nothing.
    package var remarks: [String]?

    package init(
        trustDomain: String, now: Int64, roots: [RootStatus], intermediateExpiresAt: Int64, isRootOffline: Bool,
        isEncrypted: Bool, proxies: Int, rotation: RotationStatus?, revoked: [RevokedIdentity], trustVersion: UInt64
    ) {
        self.trustDomain = trustDomain
        self.now = now
        self.roots = roots
        self.intermediateExpiresAt = intermediateExpiresAt
        self.isRootOffline = isRootOffline
        self.isEncrypted = isEncrypted
        self.proxies = proxies
        self.rotation = rotation
        self.revoked = revoked
        self.trustVersion = trustVersion
    }

    /// One root that is trusted.
    package struct RootStatus: Hashable, Sendable, Codable {
        /// SHA-256 of the certificate, hexadecimal.
        package var fingerprint: String
        package var expiresAt: Int64
        package var state: State
        /// How many proxies say that they trust it.
        package var trustedBy: Int
        /// How many proxies' certificates lead to it.
        package var leaves: Int
        /// The names of those that do not trust it, at most 100.
        package var lacking: [String]

        package init(
            fingerprint: String, expiresAt: Int64, state: State, trustedBy: Int, leaves: Int, lacking: [String]
        ) {
            self.fingerprint = fingerprint
            self.expiresAt = expiresAt
            self.state = state
            self.trustedBy = trustedBy
            self.leaves = leaves
            self.lacking = lacking
        }

        package enum State: String, Hashable, Sendable, Codable, CaseIterable {
            /// Certificates are signed under it.
            case issuing
            /// Trusted, and about to issue.
            case published
            /// Trusted until its last certificate has expired.
            case retiring
        }
    }

    package struct RotationStatus: Hashable, Sendable, Codable {
        /// `publishing`, `issuing`, `settling`, `aborting`, `finished` or `aborted`.
        package var phase: String
        package var oldRoot: String
        package var newRoot: String
        package var startedAt: Int64
        package var phaseSince: Int64
        /// When the last certificate of the root that no longer issues has expired; nil while that one issues.
        package var leavesUntil: Int64?
        /// What it waits for; nil where it goes on at once, or is over.
        package var waitsFor: String?
        /// The names of the proxies that it waits for, at most 100.
        package var missing: [String]

        package init(
            phase: String, oldRoot: String, newRoot: String, startedAt: Int64, phaseSince: Int64, leavesUntil: Int64?,
            waitsFor: String?, missing: [String]
        ) {
            self.phase = phase
            self.oldRoot = oldRoot
            self.newRoot = newRoot
            self.startedAt = startedAt
            self.phaseSince = phaseSince
            self.leavesUntil = leavesUntil
            self.waitsFor = waitsFor
            self.missing = missing
        }
    }

    package struct RevokedIdentity: Hashable, Sendable, Codable {
        package var identity: String
        package var reason: String
        package var at: Int64
        /// Who revoked it.
        package var by: String

        package init(identity: String, reason: String, at: Int64, by: String) {
            self.identity = identity
            self.reason = reason
            self.at = at
            self.by = by
        }
    }
}

/// `POST /v1/identity/rotation`.
package struct RotationRequest: Hashable, Sendable, Codable {
    package var action: Action
    /// Go on though proxies would be cut off. Default false; for `advance` and `withdraw` only.
    package var force: Bool
    /// For `root` only: the root to go to, which was made elsewhere. Nil makes one here, for which the present root's key
    /// must be here.
    package var newRoot: NewRoot?

    package init(action: Action, force: Bool = false, newRoot: NewRoot? = nil) {
        self.action = action
        self.force = force
        self.newRoot = newRoot
    }

    /// What is absent has its default.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            action: try container.decode(Action.self, forKey: .action),
            force: try container.decodeIfPresent(Bool.self, forKey: .force) ?? false,
            newRoot: try container.decodeIfPresent(NewRoot.self, forKey: .newRoot))
    }

    /// A root whose key stays elsewhere, and what signs under it here: PEM texts, as files have them.
    package struct NewRoot: Hashable, Sendable, Codable, CustomStringConvertible, CustomDebugStringConvertible {
        package var rootCertificate: String
        package var intermediateCertificate: String
        /// Nil takes the key that `weft identity intermediate request` made.
        package var intermediateKey: String?
        /// Name and key of the new root, signed by the present one; nil leaves those behind that know only the present.
        package var crossCertificate: String?

        package init(
            rootCertificate: String, intermediateCertificate: String, intermediateKey: String?,
            crossCertificate: String? = nil
        ) {
            self.rootCertificate = rootCertificate
            self.intermediateCertificate = intermediateCertificate
            self.intermediateKey = intermediateKey
            self.crossCertificate = crossCertificate
        }

        /// Never the key.
        package var description: String { "a root made elsewhere" }
        package var debugDescription: String { self.description }
    }

    package enum Action: String, Hashable, Sendable, RequestWord {
        /// Replace the intermediate now.
        case intermediate
        /// Begin to replace the root.
        case root
        /// Enter the rotation's next phase now.
        case advance
        /// Trust the old root no longer.
        case withdraw
        /// Go back to the old root.
        case abort
    }
}

/// `POST /v1/identity/revocations`: refuse an identity.
package struct RevocationRequest: Hashable, Sendable, Codable {
    /// A SPIFFE ID of this mesh.
    package var identity: String
    /// For people; at most 500 bytes are kept.
    package var reason: String?

    package init(identity: String, reason: String? = nil) {
        self.identity = identity
        self.reason = reason
    }
}
