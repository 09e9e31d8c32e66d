import SwiftProtobuf
import Testing
import WeftDiscovery
import WeftModel
import WeftProtos

/// A client and a server, message by message.
private struct Conversation {
    var client: DiscoveryClient
    var delta = DeltaServerStream(identifier: "test")
    var whole = StateOfTheWorldServerStream(identifier: "test")
    var view: ResourceTable
    let now = ContinuousClock.now
    /// What the client gave out, in order.
    var configurations: [DiscoveredConfiguration] = []
    var requests: [String] = []

    init(_ variant: DiscoveryClient.Variant, view: ResourceTable) {
        self.client = DiscoveryClient(node: .with { $0.userAgentName = "weft" }, variant: variant)
        self.view = view
    }

    mutating func open() {
        self.delta = DeltaServerStream(identifier: "test")
        self.whole = StateOfTheWorldServerStream(identifier: "test")
        let output = self.client.streamOpened(now: self.now)
        self.take(output)
    }

    mutating func subscribe(_ name: String) {
        let output = self.client.subscribe(listener: name, now: self.now)
        self.take(output)
    }

    mutating func update(_ view: ResourceTable) {
        self.view = view
        switch self.client.variant {
        case .incremental: for response in self.delta.updated(view) { self.hear(response) }
        case .stateOfTheWorld: for response in self.whole.updated(view) { self.hear(response) }
        }
    }

    private mutating func hear(_ response: DeltaServerStream.Response) {
        let output = self.client.received(response, now: self.now)
        self.take(output)
    }

    private mutating func hear(_ response: StateOfTheWorldServerStream.Response) {
        let output = self.client.received(response, now: self.now)
        self.take(output)
    }

    mutating func take(_ output: DiscoveryClient.Output) {
        if let configuration = output.configuration { self.configurations.append(configuration) }
        for request in output.requests {
            switch request {
            case .incremental(let request):
                self.requests.append(request.typeURL)
                for response in self.delta.received(request, view: self.view) { self.hear(response) }
            case .stateOfTheWorld(let request):
                self.requests.append(request.typeURL)
                for response in self.whole.received(request, view: self.view) { self.hear(response) }
            }
        }
    }
}

@Suite struct DiscoveryClientTests {
    private func world(_ version: String, cluster: String, ports: [Int] = [1]) throws -> ResourceTable {
        try Samples.view(
            version, listeners: [Samples.listener], routes: [Samples.routes(to: [cluster])],
            clusters: [Samples.cluster(cluster)], endpoints: [Samples.endpoints(cluster, ports: ports)])
    }

    static let variants: [DiscoveryClient.Variant] = [.incremental, .stateOfTheWorld]

    @Test(arguments: variants)
    func `a listener's name leads to its endpoints`(variant: DiscoveryClient.Variant) throws {
        var talk = Conversation(variant, view: try self.world("1", cluster: "c"))
        talk.open()
        talk.subscribe(Samples.name)
        let configuration = talk.client.configuration
        #expect(configuration.listeners[Samples.name] == Samples.listener)
        #expect(configuration.routes[Samples.name] == Samples.routes(to: ["c"]))
        #expect(configuration.clusters["c"] == Samples.cluster("c"))
        #expect(configuration.endpoints["c"] == Samples.endpoints("c", ports: [1]))
    }

    @Test func `a name that the mesh does not have is known to be absent, and appears when it does`() throws {
        var talk = Conversation(.incremental, view: ResourceTable())
        talk.open()
        talk.subscribe(Samples.name)
        #expect(talk.client.configuration.absent == [Samples.name])
        talk.update(try self.world("1", cluster: "c"))
        #expect(talk.client.configuration.absent.isEmpty)
        #expect(talk.client.configuration.listeners[Samples.name] == Samples.listener)
    }

    @Test(arguments: variants)
    func `routes are never in use without the clusters and endpoints they name`(
        variant: DiscoveryClient.Variant
    ) throws {
        var talk = Conversation(variant, view: try self.world("1", cluster: "old"))
        talk.open()
        talk.subscribe(Samples.name)
        talk.update(try self.world("2", cluster: "new"))
        #expect(talk.client.configuration.routes[Samples.name] == Samples.routes(to: ["new"]))
        for configuration in talk.configurations {
            for routes in configuration.routes.values {
                for host in routes.virtualHosts {
                    for case .forward(let clusters) in host.routes.map(\.action) {
                        for cluster in clusters {
                            #expect(configuration.clusters[cluster.cluster] != nil)
                            #expect(configuration.endpoints[cluster.cluster]?.endpoints.isEmpty == false)
                        }
                    }
                }
            }
        }
        #expect(Set(talk.client.configuration.clusters.keys) == ["new"])
    }

    @Test func `a broken stream takes nothing away, and the next one says only what differs`() throws {
        let world = try self.world("1", cluster: "c")
        var talk = Conversation(.incremental, view: world)
        talk.open()
        talk.subscribe(Samples.name)
        let before = talk.client.configuration
        talk.client.streamClosed()
        #expect(talk.client.configuration == before)
        let given = talk.configurations.count
        talk.open()
        #expect(talk.configurations.count == given)
        talk.update(try self.world("2", cluster: "c", ports: [1, 2]))
        #expect(talk.client.configuration.endpoints["c"]?.endpoints.count == 2)
    }

    @Test func `what was saved is in use before any control plane answers`() throws {
        var talk = Conversation(.incremental, view: try self.world("1", cluster: "c"))
        talk.open()
        talk.subscribe(Samples.name)
        let saved = try Weft_V1_SavedConfiguration(
            serializedBytes: try talk.client.saved(at: 1).serializedBytes() as [UInt8])
        var cold = DiscoveryClient(node: Envoy_Config_Core_V3_Node())
        let output = cold.restore(saved, now: .now)
        #expect(output.configuration == talk.client.configuration)
        #expect(output.requests.isEmpty)
    }

    @Test func `a malformed response is refused whole`() throws {
        var talk = Conversation(.incremental, view: try self.world("1", cluster: "c"))
        talk.open()
        talk.subscribe(Samples.name)
        let before = talk.client.configuration
        let good = try XDSEncoder(dialect: .weft).encode(Samples.cluster("c", connectTimeout: .seconds(9)))
        let output = talk.client.received(
            DeltaServerStream.Response.with {
                $0.typeURL = ResourceType.cluster.typeURL
                $0.nonce = "x"
                $0.resources = [
                    .with {
                        $0.name = "c"
                        $0.resource = good
                    },
                    .with {
                        $0.name = "other"
                        $0.resource = good
                    },
                ]
            }, now: .now)
        guard case .incremental(let refusal)? = output.requests.first else {
            Issue.record("no answer")
            return
        }
        #expect(refusal.hasErrorDetail)
        #expect(refusal.responseNonce == "x")
        #expect(talk.client.configuration == before)
    }

    @Test func `a name that stays unanswered counts as absent after fifteen seconds`() throws {
        var client = DiscoveryClient(node: Envoy_Config_Core_V3_Node(), variant: .stateOfTheWorld)
        let start = ContinuousClock.now
        _ = client.streamOpened(now: start)
        _ = client.subscribe(listener: "nobody.default:80", now: start)
        #expect(client.deadline == start + .seconds(15))
        _ = client.timedOut(now: start + .seconds(14))
        #expect(client.configuration.absent.isEmpty)
        _ = client.timedOut(now: start + .seconds(15))
        #expect(client.configuration.absent == ["nobody.default:80"])
    }

    @Test(arguments: variants)
    func `where copies go is asked for like where the call goes`(variant: DiscoveryClient.Variant) throws {
        var routes = Samples.routes(to: ["c"])
        routes.virtualHosts[0].routes[0].mirrors = [MirroredCluster(cluster: "m")]
        let names = ["c", "m"]
        var talk = Conversation(
            variant,
            view: try Samples.view(
                "1", listeners: [Samples.listener], routes: [routes], clusters: names.map { Samples.cluster($0) },
                endpoints: names.map { Samples.endpoints($0, ports: [1]) }))
        talk.open()
        talk.subscribe(Samples.name)
        #expect(talk.configurations.last.map { $0.clusters.keys.sorted() } == names)
    }

    @Test func `what nothing names any more is dropped`() throws {
        var talk = Conversation(.incremental, view: try self.world("1", cluster: "c"))
        talk.open()
        talk.subscribe(Samples.name)
        talk.take(talk.client.unsubscribe(listener: Samples.name, now: .now))
        #expect(talk.client.configuration == DiscoveredConfiguration())
        #expect(talk.client.saved(at: 0).resources.isEmpty)
    }

    @Test func `only the first message of a stream says who is speaking`() throws {
        var client = DiscoveryClient(node: .with { $0.id = "me" })
        _ = client.subscribe(listener: "a", now: .now)
        let first = client.streamOpened(now: .now).requests
        let second = client.subscribe(listener: "b", now: .now).requests
        guard case .incremental(let opening)? = first.first, case .incremental(let later)? = second.first else {
            Issue.record("no requests")
            return
        }
        #expect(opening.node.id == "me")
        #expect(!later.hasNode)
    }
}
