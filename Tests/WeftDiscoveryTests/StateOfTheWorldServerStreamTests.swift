import SwiftProtobuf
import Testing
import WeftDiscovery
import WeftModel
import WeftProtos

@Suite struct StateOfTheWorldServerStreamTests {
    private var stream = StateOfTheWorldServerStream(identifier: "test")

    private func request(
        _ type: ResourceType, _ names: [String] = [], nonce: String = "", error: String? = nil
    ) -> StateOfTheWorldServerStream.Request {
        .with {
            $0.typeURL = type.typeURL
            $0.resourceNames = names
            $0.responseNonce = nonce
            if let error {
                $0.errorDetail.code = 3
                $0.errorDetail.message = error
            }
        }
    }

    private func told(_ responses: [StateOfTheWorldServerStream.Response]) throws -> [String] {
        try responses.map { response in
            let type = try #require(ResourceType(typeURL: response.typeURL))
            let names = try response.resources.map { try XDSDecoder.decode(type, $0).name }
            return (["\(type)"] + names).joined(separator: " ")
        }
    }

    private func world(_ version: String, cluster: String, timeout: Duration = .seconds(1)) throws -> ResourceTable {
        try Samples.view(
            version, listeners: [Samples.listener], routes: [Samples.routes(to: [cluster])],
            clusters: [Samples.cluster(cluster, connectTimeout: timeout)], endpoints: [Samples.endpoints(cluster)])
    }

    @Test mutating func `a gRPC client follows one name to the next`() throws {
        let world = try self.world("1", cluster: "c")
        let listeners = self.stream.received(self.request(.listener, [Samples.name]), view: world)
        #expect(try self.told(listeners) == ["listener billing.default:80"])
        let accepted = self.request(.listener, [Samples.name], nonce: listeners[0].nonce)
        #expect(self.stream.received(accepted, view: world).isEmpty)
        #expect(try self.told(self.stream.received(self.request(.route, [Samples.name]), view: world)).count == 1)
        #expect(try self.told(self.stream.received(self.request(.cluster, ["c"]), view: world)) == ["cluster c"])
        #expect(try self.told(self.stream.received(self.request(.endpoints, ["c"]), view: world)) == ["endpoints c"])
    }

    @Test mutating func `naming nothing after having named something is not a wildcard`() throws {
        let world = try self.world("1", cluster: "c")
        let first = self.stream.received(self.request(.cluster, ["c"]), view: world)
        _ = self.stream.received(self.request(.cluster, [], nonce: first[0].nonce), view: world)
        #expect(try self.told(self.stream.updated(try self.world("2", cluster: "d"))).isEmpty)
        #expect(self.stream.received(self.request(.endpoints, []), view: world).isEmpty)
    }

    @Test mutating func `an answer to an older response changes nothing`() throws {
        let world = try self.world("1", cluster: "c")
        _ = self.stream.received(self.request(.endpoints, ["c"]), view: world)
        #expect(self.stream.received(self.request(.endpoints, ["c", "d"], nonce: "stale"), view: world).isEmpty)
    }

    @Test mutating func `a cluster leaves only after the routes that named it`() throws {
        let old = try self.world("1", cluster: "old")
        for type in [ResourceType.cluster, .listener] { _ = self.stream.received(self.request(type), view: old) }
        _ = self.stream.received(self.request(.route, [Samples.name]), view: old)
        _ = self.stream.received(self.request(.endpoints, ["old", "new"]), view: old)
        #expect(
            try self.told(self.stream.updated(try self.world("2", cluster: "new"))) == [
                "cluster new old", "endpoints new", "route billing.default:80", "cluster new",
            ])
    }

    @Test mutating func `a changed cluster brings its endpoints along`() throws {
        _ = self.stream.received(self.request(.cluster), view: try self.world("1", cluster: "c"))
        _ = self.stream.received(self.request(.endpoints, ["c"]), view: try self.world("1", cluster: "c"))
        let changed = try self.world("2", cluster: "c", timeout: .seconds(3))
        #expect(try self.told(self.stream.updated(changed)) == ["cluster c", "endpoints c"])
    }

    @Test mutating func `what was refused is not sent again unchanged`() throws {
        let world = try self.world("1", cluster: "c")
        let first = self.stream.received(self.request(.cluster), view: world)
        let refused = self.request(.cluster, [], nonce: first[0].nonce, error: "bad")
        #expect(self.stream.received(refused, view: world).isEmpty)
        #expect(self.stream.updated(world).isEmpty)
        #expect(self.stream.status[.cluster]?.rejection?.message == "bad")
    }
}
