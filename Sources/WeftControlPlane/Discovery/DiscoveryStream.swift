internal import Foundation
internal import GRPCCore
internal import Logging
internal import WeftDiscovery
internal import WeftModel
internal import WeftTelemetry

/// One discovery stream: its machine, who it is for, and what `weft status` shows of it.
struct DiscoveryStream<Machine: DiscoveryMachine> {
    private let server: DiscoveryServer
    private let peer: SPIFFEID
    private var machine = Machine(identifier: "weft \(WeftVersion.text)")
    private var client: DiscoveryClientIdentity?
    private var id: Int?
    /// What it asks for, by type URL.
    private var names: [String: Set<String>] = [:]
    private var seen: [ResourceType: TypeStatus.Rejection] = [:]
    /// When the first response left that is not confirmed yet.
    private var unconfirmedSince: ContinuousClock.Instant?
    private var rejectedAt: [ResourceType: Int64] = [:]

    init(_ server: DiscoveryServer, peer: SPIFFEID) {
        self.server = server
        self.peer = peer
    }

    mutating func received(_ request: Machine.Request) async throws(RPCError) -> [Machine.Response] {
        try self.subscribe(request)
        let client = try self.identify(request)
        let view = await self.view(for: client)
        let responses = self.machine.received(request, view: view)
        self.report(view)
        return responses
    }

    mutating func updated() async -> [Machine.Response] {
        guard let client = self.client else { return [] }
        let view = await self.view(for: client)
        let responses = self.machine.updated(view)
        self.report(view)
        return responses
    }

    /// Responses have left; `since` is the publication that they follow, nil for answers to questions.
    mutating func pushed(_ count: Int, since publication: ContinuousClock.Instant?) {
        guard count > 0, let client = self.client else { return }
        let labels = [client.client.rawValue]
        self.server.metrics.count(ControlPlaneMetricNames.pushes, labels, by: count)
        self.unconfirmedSince = self.unconfirmedSince ?? .now
        guard let publication else { return }
        self.server.metrics.observe(.now - publication, in: ControlPlaneMetricNames.pushDuration, labels)
    }

    func close() {
        if let id = self.id { self.server.streams.close(id) }
    }

    /// Who it is, from the first request's node; later nodes mean nothing.
    private mutating func identify(_ request: Machine.Request) throws(RPCError) -> DiscoveryClientIdentity {
        if let client = self.client { return client }
        let client = DiscoveryClientIdentity(self.peer, node: Machine.node(of: request))
        let stream = DiscoveryStreams.Stream(
            identity: self.peer, client: client.client, workload: client.node, clientVersion: client.version,
            since: Int64(Date().timeIntervalSince1970), types: [])
        let limit = self.server.limits.streamsPerIdentity
        guard let id = self.server.streams.open(stream, limit: limit) else {
            throw RPCError(
                code: .resourceExhausted, message: "\(self.peer) has \(limit) discovery streams, which is the limit")
        }
        self.client = client
        self.id = id
        self.server.logger.info(
            "a discovery stream opened",
            metadata: ["identity": "\(self.peer)", "node": "\(client.node)", "client": "\(client.client)"])
        return client
    }

    /// Counts what it asks for, so that no stream asks for too much.
    private mutating func subscribe(_ request: Machine.Request) throws(RPCError) {
        let (type, asked) = Machine.subscription(after: request, names: [])
        let limit = self.server.limits.nameBytes
        if let name = asked.first(where: { $0.utf8.count > limit }) {
            throw RPCError(
                code: .invalidArgument, message: "the name \(name.prefix(64))… is longer than \(limit) bytes")
        }
        guard self.names[type] != nil || self.names.count < 16 else {
            throw RPCError(code: .resourceExhausted, message: "too many types on one stream")
        }
        self.names[type] = Machine.subscription(after: request, names: self.names[type] ?? []).names
        let total = self.names.values.reduce(0) { $0 + $1.count }
        guard total <= self.server.limits.subscriptionsPerStream else {
            throw RPCError(
                code: .resourceExhausted,
                message: "one stream may ask for \(self.server.limits.subscriptionsPerStream) names, not \(total)")
        }
    }

    private func view(for client: DiscoveryClientIdentity) async -> ClientView {
        // The snapshot first: a workload that registers in between is then not missing from a newer snapshot.
        let snapshot = self.server.hub.snapshot
        let own = client.dialect == .weft ? await self.server.registry.workloads(of: self.peer) : []
        return ClientView(
            snapshot: snapshot, client: client, ownWorkloads: own, cache: self.server.cache,
            logger: self.server.logger)
    }

    /// Tells the status table, and the log of refusals.
    private mutating func report(_ view: ClientView) {
        guard let id = self.id else { return }
        let now = Int64(Date().timeIntervalSince1970)
        var types: [DiscoveryStatus] = []
        for (type, status) in self.machine.status.sorted(by: { $0.key.shownFirst < $1.key.shownFirst }) {
            if let rejection = status.rejection, rejection != self.seen[type] {
                self.rejectedAt[type] = now
                self.server.metrics.count(
                    ControlPlaneMetricNames.clientRejections,
                    [self.client?.client.rawValue ?? "unknown", type.shownName])
                self.server.logger.warning(
                    "a client refused configuration",
                    metadata: [
                        "identity": "\(self.peer)", "node": "\(self.client?.node ?? "")", "type": "\(type)",
                        "resources": "\(rejection.resources.prefix(8).joined(separator: ", "))",
                        "cause": "\(rejection.message.prefix(500))",
                    ])
            }
            self.seen[type] = status.rejection
            let inStep = status.sent == status.accepted
            types.append(
                DiscoveryStatus(
                    type: type.shownName, resources: self.names[type.typeURL]?.count ?? 0,
                    acknowledgedRevision: inStep
                        ? view.snapshot.revision : status.accepted.flatMap(Revision.init(text:)),
                    pending: inStep ? 0 : 1,
                    rejection: status.rejection.map {
                        DiscoveryStatus.Rejection(
                            revision: Revision(text: $0.version) ?? .zero, message: String($0.message.prefix(500)),
                            at: self.rejectedAt[type] ?? now)
                    }))
        }
        self.server.streams.update(id) { $0.types = types }
        if let since = self.unconfirmedSince, types.allSatisfy({ $0.pending == 0 }), let client = self.client {
            self.unconfirmedSince = nil
            self.server.metrics.observe(
                .now - since, in: ControlPlaneMetricNames.confirmationDuration, [client.client.rawValue])
        }
    }
}

extension ResourceType {
    /// As `weft status` names it.
    fileprivate var shownName: String {
        switch self {
        case .listener: "listeners"
        case .route: "routes"
        case .cluster: "clusters"
        case .endpoints: "endpoints"
        case .secret: "secrets"
        }
    }

    fileprivate var shownFirst: Int {
        switch self {
        case .listener: 0
        case .route: 1
        case .cluster: 2
        case .endpoints: 3
        case .secret: 4
        }
    }
}

extension Revision {
    fileprivate init?(text: String) {
        guard let number = Int64(text) else { return nil }
        self.init(number)
    }
}
