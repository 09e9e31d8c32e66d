internal import SwiftProtobuf
package import WeftProtos

/// Decides what an incremental discovery stream says next.
///
/// Feed it each request and each new view; it answers with the responses to send, in order. It holds what the client
/// has, by version, so that only differences travel; clusters come before their endpoints, listeners before their
/// routes, and removals last. Source: xDS v3, and what Envoy 1.40 does on the wire.
package struct DeltaServerStream: Sendable {
    package typealias Request = Envoy_Service_Discovery_V3_DeltaDiscoveryRequest
    package typealias Response = Envoy_Service_Discovery_V3_DeltaDiscoveryResponse

    /// The client, from the first request; nil before.
    package private(set) var node: Envoy_Config_Core_V3_Node?

    private let identifier: String
    private var subscriptions: [ResourceType: DeltaSubscription] = [:]
    /// Clusters sent whose endpoints were not sent since: Envoy warms a changed cluster anew and waits for them.
    private var clustersAwaitingEndpoints: Set<String> = []
    private var nonce = 0

    /// - Parameter identifier: names this control plane to its clients.
    package init(identifier: String) { self.identifier = identifier }

    /// What the client said about each type it asked for.
    package var status: [ResourceType: TypeStatus] { self.subscriptions.mapValues(\.status) }

    /// A request arrived.
    package mutating func received(_ request: Request, view: some ResourceView) -> [Response] {
        if self.node == nil { self.node = request.node }
        guard let type = ResourceType(typeURL: request.typeURL) else { return self.refuse(request, view: view) }
        var subscription = self.subscriptions[type] ?? DeltaSubscription(type: type)
        let isFirst = !subscription.opened
        let changes = subscription.received(request, view: view, awaited: self.awaited(by: type))
        var responses: [Response] = []
        self.collect(&subscription, changes, into: &responses, view: view)
        self.subscriptions[type] = subscription
        // Initialisation of a wildcard must not be left to a timeout.
        if isFirst, subscription.isWildcard, responses.isEmpty {
            responses = [self.response(type, &subscription, resources: [], removed: [], view: view)]
            self.subscriptions[type] = subscription
        }
        if type == .cluster { responses += self.endpointsOfChangedClusters(view: view) }
        return responses
    }

    /// The client's resources may have changed.
    package mutating func updated(_ view: some ResourceView) -> [Response] {
        var responses: [Response] = []
        var removals: [(ResourceType, [String])] = []
        for type in ResourceType.allCases {
            guard var subscription = self.subscriptions[type] else { continue }
            var changes = subscription.changes(view: view, awaited: self.awaited(by: type))
            if !changes.removed.isEmpty {
                removals.append((type, changes.removed))
                changes.removed = []
            }
            self.collect(&subscription, changes, into: &responses, view: view)
            self.subscriptions[type] = subscription
        }
        // What named others goes before them.
        for type in [ResourceType.listener, .route, .cluster, .endpoints, .secret] {
            guard let names = removals.first(where: { $0.0 == type })?.1,
                var subscription = self.subscriptions[type]
            else { continue }
            responses.append(self.response(type, &subscription, resources: [], removed: names, view: view))
            self.subscriptions[type] = subscription
        }
        return responses
    }

    private func awaited(by type: ResourceType) -> Set<String> {
        type == .endpoints ? self.clustersAwaitingEndpoints : []
    }

    private mutating func endpointsOfChangedClusters(view: some ResourceView) -> [Response] {
        guard var subscription = self.subscriptions[.endpoints] else { return [] }
        var changes = subscription.changes(view: view, awaited: self.clustersAwaitingEndpoints)
        changes.removed = []
        var responses: [Response] = []
        self.collect(&subscription, changes, into: &responses, view: view)
        self.subscriptions[.endpoints] = subscription
        return responses
    }

    // MARK: Responses

    /// Bytes of resources in one response, about: large sets are split below gRPC's usual limit of 4 MiB.
    private static let responseSize = 1 << 20

    private mutating func collect(
        _ subscription: inout DeltaSubscription, _ changes: DeltaSubscription.Changes, into responses: inout [Response],
        view: some ResourceView
    ) {
        let type = subscription.type
        var batch: [ServedResource] = []
        var size = 0
        for resource in changes.resources {
            // After a refusal each resource travels alone, so that one bad does not take good ones with it.
            let alone = subscription.isSuspect(resource)
            if !batch.isEmpty, alone || size + resource.body.value.count > Self.responseSize {
                responses.append(self.response(type, &subscription, resources: batch, removed: [], view: view))
                batch = []
                size = 0
            }
            batch.append(resource)
            size += resource.body.value.count
            if alone {
                responses.append(self.response(type, &subscription, resources: batch, removed: [], view: view))
                batch = []
                size = 0
            }
        }
        if !batch.isEmpty || !changes.removed.isEmpty {
            responses.append(
                self.response(type, &subscription, resources: batch, removed: changes.removed, view: view))
        }
    }

    private mutating func response(
        _ type: ResourceType, _ subscription: inout DeltaSubscription, resources: [ServedResource], removed: [String],
        view: some ResourceView
    ) -> Response {
        self.nonce += 1
        let nonce = String(self.nonce)
        if type == .cluster {
            for resource in resources { self.clustersAwaitingEndpoints.insert(resource.name) }
            for name in removed { self.clustersAwaitingEndpoints.remove(name) }
        } else if type == .endpoints {
            for resource in resources { self.clustersAwaitingEndpoints.remove(resource.name) }
            for name in removed { self.clustersAwaitingEndpoints.remove(name) }
        }
        subscription.sent(nonce: nonce, version: view.version, resources: resources, removed: removed)
        return .with {
            $0.systemVersionInfo = view.version
            $0.typeURL = type.typeURL
            $0.nonce = nonce
            $0.controlPlane.identifier = self.identifier
            $0.removedResources = removed
            $0.resources = resources.map { resource in
                .with {
                    $0.name = resource.name
                    $0.version = resource.version
                    $0.resource = resource.body
                }
            }
        }
    }

    /// A type that Weft does not serve: every name is known not to exist.
    private mutating func refuse(_ request: Request, view: some ResourceView) -> [Response] {
        let names = request.resourceNamesSubscribe.filter { $0 != "*" }
        if names.isEmpty { return [] }
        self.nonce += 1
        return [
            .with {
                $0.systemVersionInfo = view.version
                $0.typeURL = request.typeURL
                $0.nonce = String(self.nonce)
                $0.controlPlane.identifier = self.identifier
                $0.removedResources = names
            }
        ]
    }
}
