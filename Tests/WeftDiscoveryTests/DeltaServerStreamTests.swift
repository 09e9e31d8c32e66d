import SwiftProtobuf
import Testing
import WeftDiscovery
import WeftModel
import WeftProtos

@Suite struct DeltaServerStreamTests {
    typealias Request = DeltaServerStream.Request

    private var stream = DeltaServerStream(identifier: "test")

    private func request(
        _ type: ResourceType, subscribe: [String] = [], unsubscribe: [String] = [], held: [String: String] = [:],
        nonce: String = "", error: String? = nil
    ) -> Request {
        .with {
            $0.typeURL = type.typeURL
            $0.resourceNamesSubscribe = subscribe
            $0.resourceNamesUnsubscribe = unsubscribe
            $0.initialResourceVersions = held
            $0.responseNonce = nonce
            if let error {
                $0.errorDetail.code = 13
                $0.errorDetail.message = error
            }
        }
    }

    private func told(_ responses: [DeltaServerStream.Response]) -> [String] {
        responses.map { response in
            let type = ResourceType(typeURL: response.typeURL).map { "\($0)" } ?? "?"
            return ([type] + response.resources.map { "+\($0.name)" } + response.removedResources.map { "-\($0)" })
                .joined(separator: " ")
        }
    }

    private func world(
        _ version: String = "1", timeout: Duration = .seconds(1), ports: [Int] = [1]
    ) throws -> ResourceTable {
        try Samples.view(
            version, listeners: [Samples.listener], routes: [Samples.routes(to: ["a", "b"])],
            clusters: [Samples.cluster("a", connectTimeout: timeout), Samples.cluster("b")],
            endpoints: [Samples.endpoints("a", ports: ports), Samples.endpoints("b")])
    }

    @Test mutating func `a name is answered on first use, and a name that does not exist at once`() throws {
        let world = try self.world()
        let responses = self.stream.received(
            self.request(.listener, subscribe: [Samples.name, "nobody.default:80"]), view: world)
        #expect(self.told(responses) == ["listener +billing.default:80 -nobody.default:80"])
        #expect(self.stream.updated(world).isEmpty)
    }

    @Test mutating func `a name that did not exist is sent when it appears`() throws {
        _ = self.stream.received(self.request(.cluster, subscribe: ["a"]), view: ResourceTable())
        #expect(self.told(self.stream.updated(try self.world())) == ["cluster +a"])
    }

    @Test mutating func `naming nothing first asks for everything, of clusters and listeners only`() throws {
        let world = try self.world()
        #expect(self.told(self.stream.received(self.request(.cluster), view: world)) == ["cluster +a +b"])
        #expect(self.stream.received(self.request(.endpoints), view: world).isEmpty)
    }

    @Test mutating func `a wildcard with nothing to say is answered all the same`() {
        #expect(self.told(self.stream.received(self.request(.listener), view: ResourceTable())) == ["listener"])
    }

    @Test mutating func `a name dropped under the wildcard is answered either way`() throws {
        let world = try self.world()
        _ = self.stream.received(self.request(.cluster), view: world)
        _ = self.stream.received(self.request(.cluster, subscribe: ["a", "none"]), view: world)
        let responses = self.stream.received(self.request(.cluster, unsubscribe: ["a", "none"]), view: world)
        #expect(self.told(responses) == ["cluster +a -none"])
    }

    @Test mutating func `asking again for a name is asking to be sent it again`() throws {
        let world = try self.world()
        _ = self.stream.received(self.request(.endpoints, subscribe: ["a"]), view: world)
        let responses = self.stream.received(self.request(.endpoints, subscribe: ["a"]), view: world)
        #expect(self.told(responses) == ["endpoints +a"])
    }

    @Test mutating func `a reconnecting client is sent the differences, and what was deleted meanwhile`() throws {
        let world = try self.world()
        let version = try #require(world.resource(.cluster, named: "a")?.version)
        let responses = self.stream.received(
            self.request(.cluster, held: ["a": version, "b": "old", "gone": "1"]), view: world)
        #expect(self.told(responses) == ["cluster +b -gone"])
    }

    @Test mutating func `a changed cluster brings its endpoints along, though they did not change`() throws {
        let world = try self.world()
        _ = self.stream.received(self.request(.cluster), view: world)
        _ = self.stream.received(self.request(.endpoints, subscribe: ["a", "b"]), view: world)
        let changed = try self.world("2", timeout: .seconds(2))
        #expect(self.told(self.stream.updated(changed)) == ["cluster +a", "endpoints +a"])
    }

    @Test mutating func `after a reconnect a changed cluster waits for endpoints that the client already has`() throws {
        let world = try self.world()
        let held = try #require(world.resource(.endpoints, named: "a")?.version)
        _ = self.stream.received(self.request(.cluster, held: ["a": "old"]), view: world)
        let responses = self.stream.received(
            self.request(.endpoints, subscribe: ["a"], held: ["a": held]), view: world)
        #expect(self.told(responses) == ["endpoints +a"])
    }

    @Test mutating func `what is named comes before what names it, and leaves after it`() throws {
        let old = try Samples.view(
            "1", listeners: [Samples.listener], routes: [Samples.routes(to: ["old"])],
            clusters: [Samples.cluster("old")],
            endpoints: [Samples.endpoints("old")])
        for type in [ResourceType.cluster, .listener] { _ = self.stream.received(self.request(type), view: old) }
        _ = self.stream.received(self.request(.endpoints, subscribe: ["old", "new"]), view: old)
        _ = self.stream.received(self.request(.route, subscribe: [Samples.name]), view: old)
        let new = try Samples.view(
            "2", listeners: [Samples.listener], routes: [Samples.routes(to: ["new"])],
            clusters: [Samples.cluster("new")],
            endpoints: [Samples.endpoints("new")])
        #expect(
            self.told(self.stream.updated(new)) == [
                "cluster +new", "endpoints +new", "route +billing.default:80", "cluster -old", "endpoints -old",
            ])
    }

    @Test mutating func `after a refusal each resource is tried alone, and the culprit rests until it changes`() throws
    {
        let world = try self.world()
        let first = self.stream.received(self.request(.cluster), view: world)
        let nonce = try #require(first.first?.nonce)
        let again = self.stream.received(self.request(.cluster, nonce: nonce, error: "a is bad"), view: world)
        #expect(self.told(again) == ["cluster +a", "cluster +b"])
        #expect(self.stream.status[.cluster]?.rejection?.message == "a is bad")
        _ = self.stream.received(self.request(.cluster, nonce: again[0].nonce, error: "a is bad"), view: world)
        #expect(self.stream.received(self.request(.cluster, nonce: again[1].nonce), view: world).isEmpty)
        #expect(self.stream.updated(world).isEmpty)
        #expect(self.told(self.stream.updated(try self.world("2", timeout: .seconds(2)))) == ["cluster +a"])
    }

    @Test mutating func `subscriptions count even where the nonce is not known`() throws {
        let world = try self.world()
        _ = self.stream.received(self.request(.cluster, subscribe: ["a"]), view: world)
        let responses = self.stream.received(self.request(.cluster, subscribe: ["b"], nonce: "stale"), view: world)
        #expect(self.told(responses) == ["cluster +b"])
    }

    @Test mutating func `an acceptance is recorded with the revision it accepts`() throws {
        let responses = self.stream.received(self.request(.cluster), view: try self.world("42"))
        _ = self.stream.received(self.request(.cluster, nonce: responses[0].nonce), view: try self.world("42"))
        #expect(self.stream.status[.cluster]?.accepted == "42")
    }

    @Test mutating func `names of a type that is not served are known not to exist`() {
        var request = self.request(.cluster, subscribe: ["x"])
        request.typeURL = "type.googleapis.com/envoy.service.runtime.v3.Runtime"
        #expect(self.told(self.stream.received(request, view: ResourceTable())) == ["? -x"])
    }

    @Test mutating func `endpoints change alone when only they changed`() throws {
        _ = self.stream.received(self.request(.cluster), view: try self.world())
        _ = self.stream.received(self.request(.endpoints, subscribe: ["a", "b"]), view: try self.world())
        #expect(self.told(self.stream.updated(try self.world("2", ports: [1, 2]))) == ["endpoints +a"])
    }
}
