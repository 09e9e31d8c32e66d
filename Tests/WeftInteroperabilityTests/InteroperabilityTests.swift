import Testing

/// Weft with programs that others wrote, as processes beside each other: gRPC for Python behind sidecars, driven by the
/// control plane, and behind Envoy; and stock Envoys in a sidecar's place.
///
/// All tests share one mesh and run one after another: some change its configuration.
@Suite(
    .enabled(if: Peers.missing == nil, Comment(rawValue: Peers.missing ?? "")), .serialized, .withMesh,
    .timeLimit(.minutes(10)),
    .filterIssues { _ in
        Failures.current?.note()
        return true
    })
struct InteroperabilityTests {}
