package import Logging
package import WeftIdentity

/// A first identity for something that is not this sidecar: Envoy, or an application that is driven by xDS itself.
package enum WorkloadJoining {
    /// Trades the access's join token for an identity, which is kept nowhere. Tries until the control plane answers or
    /// the task is cancelled; throws `ControlPlaneRefusal` when there is no token, or it is refused.
    package static func join(_ access: ControlPlaneAccess, logger: Logger) async throws -> WorkloadIdentity {
        try await IdentityKeeper(
            connection: ControlPlaneConnection(access: access), storage: nil, service: nil,
            trust: TrustKeeper(storage: nil, logger: logger), logger: logger
        ).join()
    }
}
