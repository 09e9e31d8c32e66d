/// Lets routes of other namespaces name services of this one as backends. Gateway API `ReferenceGrant`.
///
/// Routes of the mesh need none unless `MeshSettings` asks for them.
package struct ReferenceGrant: Hashable, Sendable {
    /// Its namespace is the one that grants.
    package var metadata: Metadata
    /// At least one.
    package var from: [Source]
    /// At least one.
    package var to: [Target]

    package init(metadata: Metadata, from: [Source], to: [Target]) {
        self.metadata = metadata
        self.from = from
        self.to = to
    }

    package struct Source: Hashable, Sendable {
        /// A kind of route.
        package var kind: ResourceKind
        package var namespace: String

        package init(kind: ResourceKind, namespace: String) {
            self.kind = kind
            self.namespace = namespace
        }
    }

    package struct Target: Hashable, Sendable {
        package var kind: BackendReference.Kind
        /// Nil grants all of the kind.
        package var name: String?

        package init(kind: BackendReference.Kind, name: String? = nil) {
            self.kind = kind
            self.name = name
        }
    }

    /// Whether a route of this kind and namespace may name this backend.
    package func allows(_ backend: BackendReference, from kind: ResourceKind, in namespace: String) -> Bool {
        self.metadata.namespace == backend.service.namespace
            && self.from.contains(Source(kind: kind, namespace: namespace))
            && self.to.contains { $0.kind == backend.kind && ($0.name ?? backend.service.name) == backend.service.name }
    }
}
