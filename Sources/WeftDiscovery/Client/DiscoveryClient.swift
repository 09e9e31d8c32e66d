internal import SwiftProtobuf
internal import WeftModel
package import WeftProtos

/// Decides what a proxy asks its control plane for, and what it may use of the answers.
///
/// Asked for listeners, it follows them to their routes, clusters and endpoints by itself, drops what nothing names any
/// more, and keeps what it has when the stream breaks. What it gives out is always whole: routes that name a cluster
/// still on its way stay as they were until it, and its endpoints, have come or are known to be absent. Owns no stream
/// and no clock. Source: xDS v3, incremental and state of the world.
package struct DiscoveryClient: Sendable {
    /// How the control plane is spoken to.
    package enum Variant: Hashable, Sendable {
        case incremental
        case stateOfTheWorld
    }

    /// A message to send.
    package enum Request: Hashable, Sendable {
        case incremental(Envoy_Service_Discovery_V3_DeltaDiscoveryRequest)
        case stateOfTheWorld(Envoy_Service_Discovery_V3_DiscoveryRequest)
    }

    /// What the driver does next.
    package struct Output: Sendable {
        /// To send, in order.
        package var requests: [Request] = []
        /// What the proxy should use from now on; nil where nothing changed.
        package var configuration: DiscoveredConfiguration?
        /// Responses refused, and why; for the log.
        package var refusals: [String] = []

        package init() {}
    }

    package private(set) var variant: Variant
    /// What the proxy should be using.
    package private(set) var configuration = DiscoveredConfiguration()

    private let node: Envoy_Config_Core_V3_Node
    private var subscribed: Set<String> = []
    /// Of what is subscribed, the names that callers mentioned.
    private var demanded: NameInterest
    private var types: [ResourceType: HeldResources] = [:]
    private var isOpen = false
    private var isIntroduced = false

    /// How long a name may stay unanswered before it counts as absent.
    private static let fetchTimeout = Duration.seconds(15)
    /// From what names to what is named.
    private static let followed: [ResourceType] = [.listener, .route, .cluster, .endpoints]

    /// - Parameters:
    ///   - node: who the proxy is; its user agent says that it speaks Weft's dialect.
    ///   - limits: how many of the names that callers mention are asked for at once.
    package init(
        node: Envoy_Config_Core_V3_Node, variant: Variant = .incremental,
        limits: NameInterest.Limits = NameInterest.Limits()
    ) {
        self.node = node
        self.demanded = NameInterest(limits)
        self.variant = variant
        for type in Self.followed { self.types[type] = HeldResources(type: type) }
    }

    // MARK: Inputs

    /// Asks for listeners that callers mentioned, for as long as `NameInterest` lets it. Asking again changes nothing.
    ///
    /// - Parameter names: as they were mentioned, the newest last.
    package mutating func demand(listeners names: [String], now: ContinuousClock.Instant) -> Output {
        let new = names.filter { !self.subscribed.contains($0) }
        if new.isEmpty { return Output() }
        self.demanded.ask(new, now: now)
        self.subscribed.formUnion(new)
        self.subscribed.subtract(self.demanded.excess(exists: self.exists))
        return self.follow(now: now)
    }

    /// Asks for a listener for good. Asking again changes nothing.
    package mutating func subscribe(listener name: String, now: ContinuousClock.Instant) -> Output {
        guard self.subscribed.insert(name).inserted else { return Output() }
        return self.follow(now: now)
    }

    /// Drops a listener, and what only it named.
    package mutating func unsubscribe(listener name: String, now: ContinuousClock.Instant) -> Output {
        guard self.subscribed.remove(name) != nil else { return Output() }
        return self.follow(now: now)
    }

    /// A stream opened: states every interest again, with what is held.
    package mutating func streamOpened(now: ContinuousClock.Instant) -> Output {
        self.isOpen = true
        self.isIntroduced = false
        for type in Self.followed { self.types[type]?.streamOpened(now: now) }
        return self.follow(now: now)
    }

    /// Speaks another variant from the next stream on.
    package mutating func speak(_ variant: Variant) { self.variant = variant }

    /// The stream ended. What is held stays in use for as long as it takes.
    package mutating func streamClosed() { self.isOpen = false }

    /// A response of an incremental stream.
    package mutating func received(
        _ response: Envoy_Service_Discovery_V3_DeltaDiscoveryResponse, now: ContinuousClock.Instant
    ) -> Output {
        guard let type = ResourceType(typeURL: response.typeURL), self.types[type] != nil else {
            return self.refuse(response.typeURL, nonce: response.nonce, "\(response.typeURL) was not asked for")
        }
        var entries: [HeldResources.Entry] = []
        do throws(XDSDecodingError) {
            for resource in response.resources {
                entries.append(
                    try HeldResources.Entry(
                        type, name: resource.name, version: resource.version, body: resource.resource))
            }
            try HeldResources.refuseDuplicates(in: entries)
        } catch {
            return self.refuse(response.typeURL, nonce: response.nonce, error.description)
        }
        for entry in entries { self.types[type]?.update(entry) }
        for name in response.removedResources { self.types[type]?.remove(name) }
        self.types[type]?.nonce = response.nonce
        let accepted = Request.incremental(
            .with {
                $0.typeURL = type.typeURL
                $0.responseNonce = response.nonce
            })
        return self.follow(now: now, after: accepted)
    }

    /// A response of a state-of-the-world stream.
    package mutating func received(
        _ response: Envoy_Service_Discovery_V3_DiscoveryResponse, now: ContinuousClock.Instant
    ) -> Output {
        guard let type = ResourceType(typeURL: response.typeURL), self.types[type] != nil else {
            return self.refuse(response.typeURL, nonce: response.nonce, "\(response.typeURL) was not asked for")
        }
        var entries: [HeldResources.Entry] = []
        do throws(XDSDecodingError) {
            for body in response.resources {
                entries.append(try HeldResources.Entry(type, wrapped: body, version: response.versionInfo))
            }
            try HeldResources.refuseDuplicates(in: entries)
        } catch {
            return self.refuse(response.typeURL, nonce: response.nonce, error.description)
        }
        for entry in entries { self.types[type]?.update(entry) }
        // Of listeners and clusters a response is complete: what was there and is not any more has been deleted. What
        // never was may still come.
        if type.isWhole { self.types[type]?.removeDelivered(except: Set(entries.map(\.name))) }
        self.types[type]?.nonce = response.nonce
        self.types[type]?.acceptedVersion = response.versionInfo
        return self.follow(now: now, after: self.whole(type))
    }

    /// The instant at which `timedOut` has something to say; nil where nothing is awaited.
    package var deadline: ContinuousClock.Instant? {
        guard self.isOpen else { return nil }
        let unanswered = self.types.values.compactMap(\.oldestWait).min().map { $0 + Self.fetchTimeout }
        return [unanswered, self.demanded.nextExpiry(exists: self.exists)].compactMap(\.self).min()
    }

    /// Time passed: names unanswered for 15 s count as absent, and absent ones are not asked for for ever.
    package mutating func timedOut(now: ContinuousClock.Instant) -> Output {
        guard self.isOpen else { return Output() }
        for type in Self.followed { self.types[type]?.giveUp(on: now - Self.fetchTimeout) }
        self.subscribed.subtract(self.demanded.expired(now: now, exists: self.exists))
        return self.follow(now: now)
    }

    private var exists: (String) -> Bool {
        let listeners = self.types[.listener]
        return { listeners?.resource($0) != nil }
    }

    // MARK: Saving

    /// What is held, to start from when no control plane answers.
    package func saved(at seconds: Int64) -> Weft_V1_SavedConfiguration {
        .with {
            $0.savedAtUnix = seconds
            // What the mesh does not have is nothing to start from.
            $0.listeners = self.subscribed.filter(self.exists).sorted()
            $0.resources = Self.followed.flatMap { self.types[$0]?.saved ?? [] }
        }
    }

    /// Takes up what was saved. Resources that no longer decode are left out: the control plane sends them anew.
    package mutating func restore(_ saved: Weft_V1_SavedConfiguration, now: ContinuousClock.Instant) -> Output {
        for resource in saved.resources {
            guard let type = ResourceType(typeURL: resource.body.typeURL),
                let entry = try? HeldResources.Entry(
                    type, name: resource.name, version: resource.version, body: resource.body)
            else { continue }
            self.types[type]?.update(entry)
        }
        self.demanded.ask(saved.listeners.filter { !self.subscribed.contains($0) }, now: now)
        self.subscribed.formUnion(saved.listeners)
        self.subscribed.subtract(self.demanded.excess(exists: self.exists))
        return self.follow(now: now)
    }

    // MARK: Following names

    /// Works out what is wanted from what is held, asks for it, and publishes what is whole.
    private mutating func follow(now: ContinuousClock.Instant, after answer: Request? = nil) -> Output {
        var output = Output()
        if let answer { output.requests.append(answer) }
        let published = Publication(
            subscribed: self.subscribed, types: self.types, previous: self.configuration
        ).configuration
        if published != self.configuration {
            self.configuration = published
            output.configuration = published
        }
        var wanted: [ResourceType: Set<String>] = [.listener: self.subscribed]
        wanted[.route] = self.routeNames
        let clusters = self.clusterNames
        wanted[.cluster] = clusters
        wanted[.endpoints] = self.endpointNames(of: clusters)
        for type in Self.followed {
            guard let change = self.types[type]?.want(wanted[type] ?? [], now: now), self.isOpen else { continue }
            self.request(type, change, into: &output)
            self.types[type]?.wasStated()
        }
        return output
    }

    private var routeNames: Set<String> {
        Set(
            self.subscribed.compactMap { name in
                guard case .listener(.outbound(_, let routes), nil) = self.types[.listener]?.resource(name) else {
                    return nil
                }
                return routes
            })
    }

    /// Of routes received and of routes still in use.
    private var clusterNames: Set<String> {
        var names: Set<String> = []
        for name in self.subscribed {
            if let routes = self.types.received(routesOf: name) { names.formUnion(routes.clusterNames) }
        }
        for routes in self.configuration.routes.values { names.formUnion(routes.clusterNames) }
        return names
    }

    private func endpointNames(of clusters: Set<String>) -> Set<String> {
        Set(
            clusters.compactMap { name in
                guard case .cluster(_, let endpoints, nil) = self.types[.cluster]?.resource(name) else { return nil }
                return endpoints
            })
    }

    // MARK: Requests

    private mutating func request(_ type: ResourceType, _ change: HeldResources.Change, into output: inout Output) {
        switch self.variant {
        case .incremental:
            let isIntroduction = !self.isIntroduced
            self.isIntroduced = true
            output.requests.append(
                .incremental(
                    .with {
                        if isIntroduction { $0.node = self.node }
                        $0.typeURL = type.typeURL
                        $0.resourceNamesSubscribe = change.added.sorted()
                        $0.resourceNamesUnsubscribe = change.removed.sorted()
                        if change.isFirst { $0.initialResourceVersions = self.types[type]?.versions ?? [:] }
                    }))
        case .stateOfTheWorld:
            // An acknowledgement that has not left yet is superseded: each request names everything.
            output.requests.removeAll { request in
                guard case .stateOfTheWorld(let request) = request else { return false }
                return request.typeURL == type.typeURL && !request.hasErrorDetail
            }
            output.requests.append(self.whole(type))
        }
    }

    private mutating func whole(_ type: ResourceType, refusing cause: String? = nil) -> Request {
        let isIntroduction = !self.isIntroduced
        self.isIntroduced = true
        return .stateOfTheWorld(
            .with {
                if isIntroduction { $0.node = self.node }
                $0.typeURL = type.typeURL
                $0.versionInfo = self.types[type]?.acceptedVersion ?? ""
                $0.responseNonce = self.types[type]?.nonce ?? ""
                $0.resourceNames = self.types[type]?.wantedNames ?? []
                if let cause { $0.errorDetail = refusal(cause) }
            })
    }

    /// Refuses a response: nothing of it is used.
    private mutating func refuse(_ typeURL: String, nonce: String, _ cause: String) -> Output {
        var output = Output()
        output.refusals = [cause]
        switch self.variant {
        case .incremental:
            output.requests = [
                .incremental(
                    .with {
                        $0.typeURL = typeURL
                        $0.responseNonce = nonce
                        $0.errorDetail = refusal(cause)
                    })
            ]
        case .stateOfTheWorld:
            guard let type = ResourceType(typeURL: typeURL), self.types[type] != nil else { return output }
            self.types[type]?.nonce = nonce
            output.requests = [self.whole(type, refusing: cause)]
        }
        return output
    }
}

private func refusal(_ cause: String) -> Google_Rpc_Status {
    .with {
        // INVALID_ARGUMENT, as gRPC clients say it.
        $0.code = 3
        $0.message = cause
    }
}
