internal import SwiftProtobuf
package import WeftProtos

/// Decides what a state-of-the-world discovery stream says next.
///
/// Listeners and clusters travel as complete sets, so a cluster that goes away is kept in them until the routes that
/// named it have been replaced; other types travel as the differences. Source: xDS v3, and what Envoy 1.40 and gRPC
/// 1.85 do on the wire.
package struct StateOfTheWorldServerStream: Sendable {
    package typealias Request = Envoy_Service_Discovery_V3_DiscoveryRequest
    package typealias Response = Envoy_Service_Discovery_V3_DiscoveryResponse

    /// The client, from the first request; nil before.
    package private(set) var node: Envoy_Config_Core_V3_Node?

    private struct Subscription {
        var names: Set<String> = []
        var isWildcard = false
        /// Whether a name was ever asked for: from then on naming nothing means nothing.
        var hasNamed = false
        var nonce = ""
        var held: [String: ServedResource] = [:]
        var status = TypeStatus()
    }

    private let identifier: String
    private var subscriptions: [ResourceType: Subscription] = [:]
    private var clustersAwaitingEndpoints: Set<String> = []
    private var nonce = 0

    /// - Parameter identifier: names this control plane to its clients.
    package init(identifier: String) { self.identifier = identifier }

    /// What the client said about each type it asked for.
    package var status: [ResourceType: TypeStatus] { self.subscriptions.mapValues(\.status) }

    /// A request arrived.
    package mutating func received(_ request: Request, view: some ResourceView) -> [Response] {
        if self.node == nil { self.node = request.node }
        guard let type = ResourceType(typeURL: request.typeURL) else { return [] }
        let isFirst = self.subscriptions[type] == nil || request.responseNonce.isEmpty
        var subscription = self.subscriptions[type] ?? Subscription()
        if !isFirst {
            // Another response is on its way; the client will answer that one with all it wants.
            guard request.responseNonce == subscription.nonce else { return [] }
            Self.record(request, in: &subscription)
        }
        let before = subscription.names
        Self.subscribe(&subscription, to: request.resourceNames, type: type)
        let added = subscription.names.subtracting(before)
        // Unsubscribed is not deleted: the client has forgotten the name by itself.
        if !subscription.isWildcard {
            subscription.held = subscription.held.filter { subscription.names.contains($0.key) }
        }
        self.subscriptions[type] = subscription
        var responses: [Response] = []
        if type.isWhole {
            let set = self.wanted(type, view: view)
            if isFirst || !added.isEmpty || set != subscription.held {
                responses.append(self.response(type, Array(set.values), view: view))
            }
        } else {
            responses += self.differences(of: type, forced: isFirst ? subscription.names : added, view: view)
        }
        if type == .cluster { responses += self.differences(of: .endpoints, forced: [], view: view) }
        return responses
    }

    /// The client's resources may have changed.
    package mutating func updated(_ view: some ResourceView) -> [Response] {
        var responses: [Response] = []
        var final: [ResourceType] = []
        for type in ResourceType.allCases {
            guard let subscription = self.subscriptions[type] else { continue }
            guard type.isWhole else {
                responses += self.differences(of: type, forced: [], view: view)
                continue
            }
            let set = self.wanted(type, view: view)
            // First with what goes away still in it; without it once nothing names it any more.
            let kept = subscription.held.merging(set) { $1 }
            if kept != subscription.held { responses.append(self.response(type, Array(kept.values), view: view)) }
            if kept.count != set.count { final.append(type) }
        }
        for type in final.sorted(by: >) {
            responses.append(self.response(type, Array(self.wanted(type, view: view).values), view: view))
        }
        return responses
    }

    private static func record(_ request: Request, in subscription: inout Subscription) {
        if request.hasErrorDetail {
            subscription.status.rejection = TypeStatus.Rejection(
                version: subscription.status.sent ?? "", resources: subscription.held.keys.sorted(),
                message: request.errorDetail.message)
        } else {
            subscription.status.accepted = subscription.status.sent
            subscription.status.rejection = nil
        }
    }

    private static func subscribe(_ subscription: inout Subscription, to names: [String], type: ResourceType) {
        if names.isEmpty {
            subscription.isWildcard = type.isWhole && !subscription.hasNamed
        } else {
            subscription.hasNamed = true
            subscription.isWildcard = type.isWhole && names.contains("*")
        }
        subscription.names = Set(names).subtracting(["*"])
    }

    private func wanted(_ type: ResourceType, view: some ResourceView) -> [String: ServedResource] {
        guard let subscription = self.subscriptions[type] else { return [:] }
        var names = subscription.names
        if subscription.isWildcard { names.formUnion(view.names(of: type)) }
        var resources: [String: ServedResource] = [:]
        for name in names { resources[name] = view.resource(type, named: name) }
        return resources
    }

    private mutating func differences(
        of type: ResourceType, forced: Set<String>, view: some ResourceView
    ) -> [Response] {
        guard let subscription = self.subscriptions[type] else { return [] }
        let awaited = type == .endpoints ? self.clustersAwaitingEndpoints : []
        let changed = self.wanted(type, view: view).values.filter {
            forced.contains($0.name) || awaited.contains($0.name) || subscription.held[$0.name] != $0
        }
        return changed.isEmpty ? [] : [self.response(type, Array(changed), view: view)]
    }

    private mutating func response(
        _ type: ResourceType, _ resources: [ServedResource], view: some ResourceView
    ) -> Response {
        self.nonce += 1
        let nonce = String(self.nonce)
        let resources = resources.sorted { $0.name < $1.name }
        var subscription = self.subscriptions[type] ?? Subscription()
        if type == .cluster {
            for resource in resources where subscription.held[resource.name] != resource {
                self.clustersAwaitingEndpoints.insert(resource.name)
            }
        } else if type == .endpoints {
            for resource in resources { self.clustersAwaitingEndpoints.remove(resource.name) }
        }
        if type.isWhole { subscription.held = [:] }
        for resource in resources { subscription.held[resource.name] = resource }
        subscription.nonce = nonce
        subscription.status.sent = view.version
        let content = subscription.held.values.sorted { $0.name < $1.name }.map { "\($0.name) \($0.version)\n" }
        self.subscriptions[type] = subscription
        return .with {
            $0.versionInfo = ServedResource.hash(of: content.joined().utf8)
            $0.typeURL = type.typeURL
            $0.nonce = nonce
            $0.controlPlane.identifier = self.identifier
            $0.resources = resources.map(\.body)
        }
    }
}
