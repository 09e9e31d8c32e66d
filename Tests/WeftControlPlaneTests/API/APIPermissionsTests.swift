import Foundation
import Testing
import WeftModel

@testable import WeftControlPlane

@Suite struct APIPermissionsTests {
    @Test func `every call that is described needs a role or says that it needs none, and no other call can be made`()
        throws
    {
        let document = try #require(
            try JSONSerialization.jsonObject(with: Data(OpenAPIDocument.text.utf8)) as? [String: Any])
        let paths = try #require(document["paths"] as? [String: [String: Any]])
        var described: Set<String> = []
        for (path, methods) in paths {
            for method in methods.keys where method != "parameters" {
                described.insert("\(method.uppercased()) \(path)")
                let segments = path.split(separator: "/").map(String.init)
                #expect(APIPermissions.need(method: method.uppercased(), path: segments) != nil, "\(method) \(path)")
            }
        }
        #expect(described.count == APIPermissions.table.count)
        #expect(APIPermissions.need(method: "GET", path: ["v1", "debug"]) == nil)
        #expect(APIPermissions.need(method: "PUT", path: ["v1", "apply"]) == nil)
        #expect(APIPermissions.need(method: "GET", path: []) == nil)
    }

    @Test func `only these tell anybody anything without credentials`() {
        let open = APIPermissions.table.filter { $0.need == .nobody }.map { $0.call.path.compactMap(\.self) }
        #expect(
            open == [
                ["healthz"], ["openapi.json"], ["v1", "trust-bundle"], ["v1", "spiffe-bundle"],
                ["v1", "dashboard", "sessions"],
            ])
    }

    @Test(arguments: [
        (APICall.Caller.local, APIRole.admin, true), (.token(id: "a", role: .viewer), .viewer, true),
        (.token(id: "a", role: .viewer), .operator, false), (.token(id: "a", role: .operator), .admin, false),
        (.token(id: "a", role: .admin), .admin, true),
        (.peer(SPIFFEID(trustDomain: .standard, namespace: "a", account: "b"), role: nil), .viewer, false),
        (.dashboard(opener: "local"), .viewer, true), (.dashboard(opener: "local"), .operator, false),
        (.anonymous, .viewer, false),
    ])
    func `a role includes those below it, and no role is none`(caller: APICall.Caller, needed: APIRole, may: Bool) {
        if may {
            #expect(throws: Never.self) { try APIPermissions.check(caller, has: needed, to: "look") }
        } else {
            let error = #expect(throws: APIError.self) { try APIPermissions.check(caller, has: needed, to: "look") }
            #expect(error?.status == 403)
            #expect(error?.description.contains(needed.rawValue) == true)
        }
    }

    @Test func `what decides who is trusted is for admins`() {
        #expect(APIPermissions.change(of: .meshSettings) == .admin)
        #expect(APIPermissions.change(of: .trustDomainFederation) == .admin)
        #expect(APIPermissions.change(of: .httpRoute) == .operator)
    }

    @Test func `a record from before there were roles may do everything`() throws {
        let text = #"{"id":"a","secretHash":"b","createdAt":1,"expiresAt":2,"author":"x"}"#
        let record = try JSONDecoder().decode(APITokenRecord.self, from: Data(text.utf8))
        #expect(record.effectiveRole == .admin)
    }
}
