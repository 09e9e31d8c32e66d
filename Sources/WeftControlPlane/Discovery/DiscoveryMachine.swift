internal import SwiftProtobuf
internal import WeftDiscovery
internal import WeftProtos

/// What the driver of a discovery stream needs of either variant's machine.
protocol DiscoveryMachine: Sendable {
    associatedtype Request: Sendable
    associatedtype Response: Sendable

    init(identifier: String)
    var node: Envoy_Config_Core_V3_Node? { get }
    var status: [ResourceType: TypeStatus] { get }
    mutating func received(_ request: Request, view: some WeftDiscovery.ResourceView) -> [Response]
    mutating func updated(_ view: some WeftDiscovery.ResourceView) -> [Response]

    /// The node that a request carries; only a stream's first must.
    static func node(of request: Request) -> Envoy_Config_Core_V3_Node
    /// The names that the stream asks for after `request`, of the type it is about, when it asked for `names` before.
    static func subscription(after request: Request, names: Set<String>) -> (typeURL: String, names: Set<String>)
}

extension DeltaServerStream: DiscoveryMachine {
    static func node(of request: Request) -> Envoy_Config_Core_V3_Node { request.node }

    static func subscription(after request: Request, names: Set<String>) -> (typeURL: String, names: Set<String>) {
        (
            request.typeURL,
            names.subtracting(request.resourceNamesUnsubscribe).union(request.resourceNamesSubscribe)
        )
    }
}

extension StateOfTheWorldServerStream: DiscoveryMachine {
    static func node(of request: Request) -> Envoy_Config_Core_V3_Node { request.node }

    static func subscription(after request: Request, names: Set<String>) -> (typeURL: String, names: Set<String>) {
        (request.typeURL, Set(request.resourceNames))
    }
}
