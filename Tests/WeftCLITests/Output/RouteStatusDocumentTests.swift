import Testing
import WeftModel

@testable import WeftCLI

@Suite struct RouteStatusDocumentTests {
    private func view(_ statuses: [RouteParentStatus]) -> ResourceView {
        ResourceView(
            key: ResourceKey(kind: .httpRoute, namespace: "shop", name: "r"), apiVersion: "v1", revision: Revision(9),
            createdAt: 1, document: #"{"kind":"HTTPRoute"}"#, status: statuses)
    }

    @Test func `a status repeats the route's own reference, and says of which revision it speaks`() throws {
        let parent = RouteParent(
            service: ServiceName(namespace: "money", name: "billing"), port: 80, portName: "http")
        let status = RouteParentStatus(
            parent, observedRevision: Revision(7), conditions: [.init(.accepted, true, .accepted)])
        let text = try RouteStatusDocument.document(self.view([status]))
        #expect(
            text.contains(
                #""parentRef":{"group":"","kind":"Service","name":"billing","namespace":"money","port":80,"sectionName":"http"}"#
            ))
        #expect(text.contains(#""observedGeneration":7"#))
        #expect(status.parent == "billing.money:80")
    }

    @Test func `what the reference does not name is not made up`() throws {
        let status = RouteParentStatus(
            RouteParent(service: ServiceName(namespace: "default", name: "a")),
            conditions: [.init(.accepted, true, .accepted)])
        let text = try RouteStatusDocument.document(self.view([status]))
        #expect(
            text.contains(#""parentRef":{"group":"","kind":"Service","name":"a","namespace":"default"}"#))
        #expect(!text.contains("observedGeneration"))
    }
}

@Suite struct KindHelpTests {
    @Test(arguments: ResourceKind.allCases)
    func `help of get and delete names every kind`(kind: ResourceKind) throws {
        let alias = try #require(kind.aliases.first)
        #expect(Kinds.names.split(separator: ", ").contains(alias[...]))
    }
}
