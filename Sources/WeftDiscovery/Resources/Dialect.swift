package import WeftProtos

/// Whom a resource is written for: the same intent, in what each kind of client understands.
package enum Dialect: Hashable, Sendable, CaseIterable {
    /// Weft's own proxy: one listener for each service port, asked for by name, with the extensions of `weft.v1`.
    case weft
    /// A stock Envoy: one listener for all services.
    case envoy
    /// A gRPC client or server that speaks xDS itself.
    case grpc

    /// The dialect of a client that calls itself `userAgentName`. Unknown names are taken for Envoy.
    package init(userAgentName: String) {
        if userAgentName == Self.weftUserAgentName {
            self = .weft
        } else if userAgentName.lowercased().hasPrefix("grpc") {
            self = .grpc
        } else {
            self = .envoy
        }
    }

    /// The dialect of the client that a stream's first request describes.
    package init(node: Envoy_Config_Core_V3_Node) {
        self.init(userAgentName: node.userAgentName)
    }

    /// What Weft's proxy calls itself.
    package static let weftUserAgentName = "weft"
}
