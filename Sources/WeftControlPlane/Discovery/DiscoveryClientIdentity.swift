internal import SwiftProtobuf
internal import WeftDiscovery
internal import WeftModel
internal import WeftProtos

/// Who takes configuration on a stream, and in which form: the proved identity, and what the node says of itself.
struct DiscoveryClientIdentity: Hashable, Sendable {
    let identity: SPIFFEID
    let dialect: Dialect
    /// What the node calls itself; a Weft proxy says `namespace/name` of its workload.
    let node: String
    let version: String
    /// Where an Envoy's application reaches it: `weft.outboundPort` of the node's metadata. Default 15001.
    let outboundPort: Int

    init(_ identity: SPIFFEID, node: Envoy_Config_Core_V3_Node) {
        self.identity = identity
        self.dialect = Dialect(node: node)
        self.node = String(node.id.prefix(256))
        self.version = Self.version(of: node)
        let wanted = node.metadata.fields["weft.outboundPort"]
        let number = wanted?.numberValue ?? wanted.flatMap { Double($0.stringValue) } ?? 0
        self.outboundPort = (1...65535).contains(number) ? Int(number) : 15001
    }

    /// A text, or, of Envoy, numbers.
    private static func version(of node: Envoy_Config_Core_V3_Node) -> String {
        guard case .userAgentBuildVersion(let build)? = node.userAgentVersionType else {
            return String(node.userAgentVersion.prefix(64))
        }
        return "\(build.version.majorNumber).\(build.version.minorNumber).\(build.version.patch)"
    }

    var namespace: String { self.identity.workload?.namespace ?? "default" }

    var client: ProxyStatus.Client {
        switch self.dialect {
        case .weft: .weft
        case .envoy: .envoy
        case .grpc: .grpc
        }
    }
}
