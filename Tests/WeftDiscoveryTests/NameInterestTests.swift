import SwiftProtobuf
import Testing
import WeftDiscovery
import WeftModel
import WeftProtos

@Suite struct NameInterestTests {
    private static let start = ContinuousClock.now

    private static func interest(names: Int, absent: Int) -> NameInterest {
        var limits = NameInterest.Limits()
        limits.names = names
        limits.absent = absent
        return NameInterest(limits)
    }

    @Test func `of names that the mesh does not have, the newest are kept, and those it has are untouched`() {
        var interest = Self.interest(names: 100, absent: 2)
        interest.ask(["real", "a", "b", "c"], now: Self.start)
        #expect(interest.excess { $0 == "real" } == ["a"])
        interest.ask(["d"], now: Self.start)
        #expect(interest.excess { $0 == "real" } == ["b"])
        #expect(["real", "c", "d"].allSatisfy(interest.contains))
    }

    @Test func `where even real names are too many, absent ones go first and then the oldest`() {
        var interest = Self.interest(names: 2, absent: 2)
        interest.ask(["one", "made-up", "two", "three"], now: Self.start)
        #expect(interest.excess { $0 != "made-up" } == ["made-up", "one"])
        #expect(["two", "three"].allSatisfy(interest.contains))
    }

    @Test func `a name that does not exist is given up after a minute, and taken up when it is mentioned again`() {
        var interest = Self.interest(names: 10, absent: 10)
        interest.ask(["real", "made-up"], now: Self.start)
        #expect(interest.nextExpiry { $0 == "real" } == Self.start + .seconds(60))
        #expect(interest.expired(now: Self.start + .seconds(59)) { $0 == "real" } == [])
        #expect(interest.expired(now: Self.start + .seconds(60)) { $0 == "real" } == ["made-up"])
        #expect(interest.nextExpiry { $0 == "real" } == nil)
        interest.ask(["made-up"], now: Self.start + .seconds(61))
        #expect(interest.nextExpiry { $0 == "real" } == Self.start + .seconds(121))
    }
}

/// What callers who make names up can do to a proxy and its control plane.
@Suite struct InventedNamesTests {
    private static func world() throws -> ResourceTable {
        try Samples.view(
            "1", listeners: [Samples.listener], routes: [Samples.routes(to: ["c"])], clusters: [Samples.cluster("c")],
            endpoints: [Samples.endpoints("c", ports: [1])])
    }

    /// The sizes of subscriptions as the server counts them, after each request of the client.
    private struct Server {
        var stream = DeltaServerStream(identifier: "test")
        var names: [String: Set<String>] = [:]

        mutating func hear(
            _ output: DiscoveryClient.Output, of client: inout DiscoveryClient, now: ContinuousClock.Instant
        )
            throws
        {
            for case .incremental(let request) in output.requests {
                self.names[request.typeURL, default: []].subtract(request.resourceNamesUnsubscribe)
                self.names[request.typeURL, default: []].formUnion(request.resourceNamesSubscribe)
                for response in self.stream.received(request, view: try InventedNamesTests.world()) {
                    try self.hear(client.received(response, now: now), of: &client, now: now)
                }
            }
        }

        var largest: Int { self.names.values.map(\.count).max() ?? 0 }
    }

    @Test func `ten thousand invented names leave a bounded subscription, and real names work among them`() throws {
        let now = ContinuousClock.now
        var client = DiscoveryClient(node: .with { $0.userAgentName = "weft" })
        var server = Server()
        try server.hear(client.streamOpened(now: now), of: &client, now: now)
        try server.hear(client.subscribe(listener: "inbound", now: now), of: &client, now: now)
        try server.hear(client.demand(listeners: [Samples.name], now: now), of: &client, now: now)
        for batch in 0..<100 {
            let invented = (0..<100).map { "made-up-\(batch)-\($0).default:80" }
            try server.hear(client.demand(listeners: invented, now: now), of: &client, now: now)
            #expect(server.largest <= 256 + 2)
        }
        #expect(client.configuration.absent.count <= 256 + 1)
        #expect(client.configuration.listeners[Samples.name] == Samples.listener)
        #expect(client.configuration.absent.contains("made-up-99-0.default:80"))
        #expect(client.saved(at: 0).listeners == [Samples.name])
    }

    @Test func `of names mentioned before any stream, the newest are asked for, whatever they are called`() throws {
        let now = ContinuousClock.now
        var client = DiscoveryClient(node: .with { $0.userAgentName = "weft" })
        var server = Server()
        let invented = (0..<300).map { "made-up-\($0).default:80" }
        _ = client.demand(listeners: invented + ["a", Samples.name], now: now)
        try server.hear(client.streamOpened(now: now), of: &client, now: now)
        #expect(client.configuration.listeners[Samples.name] == Samples.listener)
        #expect(client.configuration.absent.contains("a"))
        #expect(!client.configuration.absent.contains("made-up-0.default:80"))
    }

    @Test func `invented names are forgotten after a minute, and what the sidecar needs for itself is not`() throws {
        let now = ContinuousClock.now
        var client = DiscoveryClient(node: .with { $0.userAgentName = "weft" })
        var server = Server()
        try server.hear(client.streamOpened(now: now), of: &client, now: now)
        try server.hear(client.subscribe(listener: "inbound", now: now), of: &client, now: now)
        try server.hear(client.demand(listeners: [Samples.name, "made-up"], now: now), of: &client, now: now)
        #expect(client.deadline == now + .seconds(60))
        let later = now + .seconds(60)
        try server.hear(client.timedOut(now: later), of: &client, now: later)
        #expect(server.names[ResourceType.listener.typeURL] == ["inbound", Samples.name])
        #expect(client.configuration.absent == ["inbound"])
        try server.hear(client.demand(listeners: ["made-up"], now: later), of: &client, now: later)
        #expect(client.configuration.absent == ["inbound", "made-up"])
    }
}
