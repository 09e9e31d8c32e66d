/// The name of a service: unique within the mesh by namespace and name.
///
/// Written `name.namespace`; callers may also use `name` (their own namespace) and `name.namespace.mesh`.
package struct ServiceName: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The namespace, a DNS label. `default` where a document names none.
    package let namespace: String
    /// The service's own name, a DNS label.
    package let name: String

    package init(namespace: String, name: String) {
        self.namespace = namespace
        self.name = name
    }

    package var description: String { "\(self.name).\(self.namespace)" }

    package static func < (left: Self, right: Self) -> Bool {
        (left.namespace, left.name) < (right.namespace, right.name)
    }
}

/// One port of a service, as a caller addresses it: `billing.default:80`.
///
/// Its description is the name of the Listener a proxy or a gRPC client asks for.
package struct ServicePort: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let service: ServiceName
    /// The port callers use, 1–65535; not the application's own.
    package let port: Int

    package init(service: ServiceName, port: Int) {
        self.service = service
        self.port = port
    }

    package var description: String { "\(self.service):\(self.port)" }

    package static func < (left: Self, right: Self) -> Bool {
        (left.service, left.port) < (right.service, right.port)
    }
}
