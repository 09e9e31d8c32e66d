internal import FoundationEssentials
package import Logging
package import NIOCore
package import NIOPosix
internal import Synchronization
package import WeftIdentity
package import WeftModel
package import WeftTelemetry
internal import WeftTraffic

/// The request path: loops, their listeners, and what they are given to work by.
///
/// Everything here may be called from anywhere; what belongs to a loop is handed to it there.
package final class ProxyServer: Sendable {
    private let configuration: ProxyConfiguration
    let loops: [LoopHandle]
    private let originations = OriginationContexts()
    private let names: NameResolver
    private let logger: Logger
    private let security = Mutex<TransportSecurity?>(nil)
    package let telemetry: ProxyTelemetry
    /// The rate limits in force, shared by all loops.
    package let rateLimits = RateLimitBook()

    /// The workload, `namespace/name`.
    var workloadName: String { "\(self.configuration.service.namespace)/\(self.configuration.workload)" }
    /// Its SPIFFE ID; nil before it has one.
    var identityText: String? { self.security.withLock { $0?.identity.id.description } }

    /// Makes the loops' state; nothing listens yet.
    package init(
        configuration: ProxyConfiguration, group: MultiThreadedEventLoopGroup, source: any ConfigurationSource,
        logger: Logger, telemetry: ProxyTelemetry, names: NameResolver = NameResolver()
    ) async throws {
        self.names = names
        self.configuration = configuration
        self.logger = logger
        self.telemetry = telemetry
        let eventLoops = Array(group.makeIterator())
        let rateLimits = self.rateLimits
        var random = SystemRandomNumberGenerator()
        var handles: [LoopHandle] = []
        let originations = self.originations
        for eventLoop in eventLoops {
            let seed: UInt64 = random.next()
            let handle = try await eventLoop.submit {
                LoopHandle(
                    eventLoop: eventLoop,
                    state: NIOLoopBound(
                        ProxyLoop(
                            eventLoop: eventLoop, configuration: configuration, source: source, logger: logger,
                            loops: eventLoops.count, seed: seed,
                            telemetry: telemetry.makeLoop(on: eventLoop, loops: eventLoops.count),
                            originations: originations,
                            rateLimits: rateLimits),
                        eventLoop: eventLoop))
            }.get()
            handles.append(handle)
        }
        self.loops = handles
        // One loop asks, and all are told.
        let all = handles
        if let first = all.first {
            first.eventLoop.execute {
                first.state.value.checker = EndpointChecker(loop: first.state.value) { report in
                    for loop in all { loop.eventLoop.execute { loop.state.value.apply(report) } }
                }
            }
        }
    }

    /// Opens the inbound listeners, one per application port. Throws `ListenError`.
    package func openInbound() async throws -> InboundListeners {
        var listeners: [LoopListener] = []
        do {
            for port in self.configuration.ports {
                listeners.append(
                    try await LoopListener.open(
                        .inbound(appPort: port.port),
                        at: ListenAddress(host: self.configuration.address, port: port.inboundPort),
                        loops: self.loops))
            }
        } catch {
            for listener in listeners { await listener.close() }
            throw error
        }
        return InboundListeners(listeners: listeners, address: self.configuration.address)
    }

    /// Opens the outbound listeners: the HTTP proxy and one port per declared upstream. Throws `ListenError`.
    package func openOutbound() async throws -> OutboundListeners {
        var proxy: LoopListener?
        var upstreams: [(name: String, host: String, listener: LoopListener)] = []
        do {
            if let address = self.configuration.outbound {
                proxy = try await LoopListener.open(.outbound, at: address, loops: self.loops)
            }
            for upstream in self.configuration.upstreams {
                let resolution = AuthorityResolution(
                    authority: upstream.name, namespace: self.configuration.service.namespace)
                guard case .service(let port) = resolution else {
                    throw StaticConfigurationError(
                        path: upstream.name, cause: "an upstream is named name, name:port or name.namespace:port")
                }
                let listener = try await LoopListener.open(
                    .upstream(name: port.description), at: upstream.listen, loops: self.loops)
                for loop in self.loops {
                    loop.eventLoop.execute { loop.state.value.expect(port.description) }
                }
                upstreams.append((upstream.name, upstream.listen.host, listener))
            }
        } catch {
            await proxy?.close()
            for upstream in upstreams { await upstream.listener.close() }
            throw error
        }
        let aliases = upstreams.reduce(into: [String: String]()) { aliases, upstream in
            guard case .upstream(let name) = upstream.listener.role else { return }
            let address = ListenAddress(host: upstream.host, port: upstream.listener.port)
            aliases[address.description] = name
            if upstream.host == "127.0.0.1" { aliases["localhost:\(address.port)"] = name }
        }
        for loop in self.loops { loop.eventLoop.execute { loop.state.value.destinations.aliases = aliases } }
        return OutboundListeners(proxy: proxy, proxyHost: self.configuration.outbound?.host ?? "", upstreams: upstreams)
    }

    // MARK: Configuration

    /// Puts a snapshot in force; requests under way keep theirs.
    package func install(_ snapshot: ProxySnapshot) {
        self.originations.prepare(snapshot.clusters.values)
        for loop in self.loops { loop.eventLoop.execute { loop.state.value.install(snapshot) } }
        let known = self.names.want(Set(snapshot.clusters.values.compactMap(\.resolution?.host)))
        if !known.isEmpty { self.install(known) }
    }

    /// Looks up the names of destinations outside the mesh; until cancelled.
    package func resolveNames() async { await self.names.run { self.install($0) } }

    private func install(_ names: [String: NameAnswer]) {
        for loop in self.loops { loop.eventLoop.execute { loop.state.value.install(names) } }
    }

    /// Uses another identity for new connections, and lets old ones finish, but for those of peers that are no longer
    /// believed: they end. Throws when its key or certificates cannot be read, or nobody could be believed; the old one
    /// then stays in force.
    ///
    /// - Parameter trust: who is believed; nil believes the identity's own roots.
    package func install(identity: WorkloadIdentity, trust: TrustState? = nil) throws {
        let security = try self.security.withLock { held in
            let next =
                if let held, held.identity.id == identity.id, held.identity.serial == identity.serial {
                    try held.trusting(trust, as: identity)
                } else {
                    try TransportSecurity(identity: identity, trust: trust)
                }
            held = next
            return next
        }
        for loop in self.loops { loop.eventLoop.execute { loop.state.value.install(security) } }
    }

    // MARK: The access log

    /// Which requests are written down from now on.
    package func setAccessLog(_ mode: AccessLogMode) {
        for loop in self.loops { loop.eventLoop.execute { loop.state.value.telemetry.mode = mode } }
    }

    // MARK: Numbers

    /// The metrics of all loops, merged on a thread of its own.
    package func metrics(on eventLoop: any EventLoop) -> EventLoopFuture<MetricSnapshot> {
        let copies = self.loops.map { loop in loop.eventLoop.submit { loop.state.value.metrics() } }
        return EventLoopFuture.whenAllSucceed(copies, on: eventLoop).flatMap { copies in
            NIOSingletons.posixBlockingThreadPool.runIfActive(eventLoop: eventLoop) {
                copies.reduce(into: MetricSnapshot()) { $0.merge($1.snapshot()) }
            }
        }
    }

    /// Totals by edge, those of each loop.
    package func edgeTotals() async -> [EdgeTotals] {
        var totals: [EdgeTotals] = []
        for loop in self.loops {
            totals += (try? await loop.eventLoop.submit { loop.state.value.telemetry.requests.totals() }.get()) ?? []
        }
        return totals
    }

    /// Who called in the clear, all loops together.
    func plaintextCallers() async -> [PlaintextCallers.Count] {
        let seconds = Int64(Date().timeIntervalSince1970)
        var callers: [PlaintextCallers.Count] = []
        for loop in self.loops {
            let more = try? await loop.eventLoop.submit { loop.state.value.plaintextCallers.counts(at: seconds) }.get()
            callers += more ?? []
        }
        return callers
    }

    /// How often the rules of authorization policies decided, all loops together.
    package func policyUsage() async -> PolicyUsage {
        var usage = PolicyUsage()
        for loop in self.loops {
            let part = try? await loop.eventLoop.submit { PolicyUsage(loop.state.value.telemetry.registry) }.get()
            if let part { usage.add(part) }
        }
        return usage
    }

    // MARK: Stopping

    /// Tells connections of one side to finish: `Connection: close`, or GOAWAY.
    package func drain(_ side: Side) async {
        for loop in self.loops {
            try? await loop.eventLoop.submit { loop.state.value.drain(where: side.matches) }.get()
        }
    }

    /// What is open on one side now, all loops together.
    package func load(_ side: Side) async -> ProxyLoad {
        var total = ProxyLoad()
        for loop in self.loops {
            guard let load = try? await loop.eventLoop.submit({ loop.state.value.load(where: side.matches) }).get()
            else { continue }
            total.connections += load.connections
            total.requests += load.requests
            total.longLived += load.longLived
        }
        return total
    }

    /// Closes every connection.
    package func closeAll() async {
        for loop in self.loops { try? await loop.eventLoop.submit { loop.state.value.closeAll() }.get() }
        // What closing ended has been recorded by now.
        for loop in self.loops { try? await loop.eventLoop.submit { loop.state.value.telemetry.close() }.get() }
        await self.telemetry.written()
    }

    /// A side of the sidecar.
    package enum Side: Sendable {
        case inbound, outbound

        @Sendable func matches(_ role: ListenerRole) -> Bool {
            switch (self, role) {
            case (.inbound, .inbound), (.outbound, .outbound), (.outbound, .upstream): true
            case (.inbound, .outbound), (.inbound, .upstream), (.outbound, .inbound): false
            }
        }
    }
}

/// Where peers are taken.
package struct InboundListeners: Sendable {
    fileprivate let listeners: [LoopListener]
    fileprivate let address: String

    /// The port that peers connect to, by application port.
    package var ports: [Int: Int] {
        self.listeners.reduce(into: [:]) { ports, listener in
            if case .inbound(let appPort) = listener.role { ports[appPort] = listener.port }
        }
    }

    package func close() async { for listener in self.listeners { await listener.close() } }
}

/// Where the application is taken.
package struct OutboundListeners: Sendable {
    fileprivate let proxy: LoopListener?
    fileprivate let proxyHost: String
    fileprivate let upstreams: [(name: String, host: String, listener: LoopListener)]

    /// The HTTP proxy; nil where there is none.
    package var proxyAddress: ListenAddress? {
        self.proxy.map { ListenAddress(host: self.proxyHost, port: $0.port) }
    }

    /// By the declared name.
    package var upstreamAddresses: [String: ListenAddress] {
        self.upstreams.reduce(into: [:]) { $0[$1.name] = ListenAddress(host: $1.host, port: $1.listener.port) }
    }

    package func close() async {
        await self.proxy?.close()
        for upstream in self.upstreams { await upstream.listener.close() }
    }
}
