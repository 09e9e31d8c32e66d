import Testing
import WeftConfig
import WeftModel

@testable import WeftControlPlane

@Suite struct GuardedReachTests {
    private func resources(_ text: String) -> [Resource] {
        let reading = ConfigReader.read([SourceDocument(file: "test.yaml", text: text)])
        #expect(!reading.diagnostics.hasErrors, "\(reading.diagnostics)")
        return reading.resources.map(\.resource)
    }

    private func service(_ spec: String) -> Resource? {
        self.resources("apiVersion: v1\nkind: Service\nmetadata: {name: billing}\nspec: \(spec)\n").first
    }

    private func route(
        _ rules: String, parents: String = "[{group: \"\", kind: Service, name: billing}]"
    ) -> Resource? {
        self.resources(
            """
            apiVersion: gateway.networking.k8s.io/v1
            kind: HTTPRoute
            metadata: {name: billing}
            spec: {parentRefs: \(parents), rules: \(rules)}
            """
        ).first
    }

    private func traffic(_ spec: String) -> Resource? {
        self.resources("apiVersion: weft.dev/v1\nkind: TrafficPolicy\nmetadata: {name: t}\nspec: \(spec)\n").first
    }

    private func policies(on kind: String) -> [Resource] {
        self.resources(
            """
            apiVersion: weft.dev/v1
            kind: AuthorizationPolicy
            metadata: {name: guard}
            spec:
              targetRefs: [{kind: \(kind), name: billing}]
              action: DENY
              rules: [{to: [{paths: [/admin]}]}]
            """)
    }

    /// What is to be left as it was; nil where an operator may make the change.
    private func part(
        _ old: Resource?, _ new: Resource?, _ stored: [Resource], registered: [Workload] = []
    ) throws -> String? {
        let key = try #require(old?.key ?? new?.key)
        return GuardedReach(stored, registered: registered).reason(ResourceChange(key: key, old: old, new: new))?.part
    }

    @Test func `of a service that a policy acts on, selector and ports are an admin's`() throws {
        let old = self.service("{selector: {app: billing}, ports: [{port: 80, appProtocol: http}]}")
        let stored = self.policies(on: "Service")
        let moved = self.service("{selector: {app: none}, ports: [{port: 80, appProtocol: http}]}")
        let opened = self.service("{selector: {app: billing}, ports: [{port: 80, appProtocol: tcp}]}")
        #expect(try self.part(old, moved, stored) == "selector's labels")
        #expect(try self.part(old, opened, stored) == "ports")
        #expect(try self.part(old, nil, stored) == "selector and ports")
        #expect(try self.part(old, old, stored) == nil)
        #expect(try self.part(old, moved, []) == nil)
        #expect(try self.part(old, nil, self.policies(on: "HTTPRoute")) == nil)
    }

    @Test func `a service that takes the place of a registered one is an admin's, and one that nobody has is not`()
        throws
    {
        let new = self.service("{selector: {app: none}, ports: [{port: 80}]}")
        let stored = self.policies(on: "Service")
        let workload = Workload(
            metadata: Metadata(name: "billing-1"), account: "billing", service: "billing", address: "10.0.0.1",
            ports: [])
        #expect(try self.part(nil, new, stored, registered: [workload]) == "selector and ports")
        #expect(try self.part(nil, new, stored + [.workload(workload)]) == "selector and ports")
        #expect(try self.part(nil, new, stored) == nil)
    }

    @Test
    func `of a route that a policy acts on, what it takes is an admin's, and weights, filters and timeouts are not`()
        throws
    {
        let old = self.route(
            "[{matches: [{path: {type: PathPrefix, value: /admin}}], backendRefs: [{name: a, port: 80}, {name: b, port: 80}]}]"
        )
        let stored = self.policies(on: "HTTPRoute")
        let shifted = self.route(
            """
            [{matches: [{path: {type: PathPrefix, value: /admin}}], timeouts: {request: 3s},
              filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: x-a, value: b}]}}],
              backendRefs: [{name: a, port: 80, weight: 9}, {name: b, port: 80, weight: 1}, {name: c, port: 80}]}]
            """)
        let narrowed = self.route(
            "[{matches: [{path: {type: PathPrefix, value: /admin/x}}], backendRefs: [{name: a, port: 80}, {name: b, port: 80}]}]"
        )
        let elsewhere = self.route(
            "[{matches: [{path: {type: PathPrefix, value: /admin}}], backendRefs: [{name: a, port: 80}, {name: b, port: 80}]}]",
            parents: "[{group: \"\", kind: Service, name: other}]")
        let left = self.route(
            "[{matches: [{path: {type: PathPrefix, value: /admin}}], backendRefs: [{name: b, port: 80}]}]")
        #expect(try self.part(old, shifted, stored) == nil)
        #expect(try self.part(old, narrowed, stored) == "matches")
        #expect(try self.part(old, elsewhere, stored) == "parentRefs")
        #expect(try self.part(old, left, stored) == "backends")
        #expect(try self.part(old, nil, stored) == "parents and matches")
        #expect(try self.part(nil, old, stored) == nil)
        #expect(try self.part(old, narrowed, []) == nil)
    }

    @Test func `forwarding settings are an admin's whether or not there are policies`() throws {
        let plain = self.traffic("{targetRefs: [{kind: Service, name: billing}], timeouts: {request: 1s}}")
        let open = self.traffic(
            "{targetRefs: [{kind: Service, name: billing}], forwarding: {escapedSlashes: keep}}")
        let moved = self.traffic(
            "{targetRefs: [{kind: Service, name: other}], forwarding: {escapedSlashes: keep}}")
        for (old, new) in [(nil, open), (plain, open), (open, plain), (open, nil), (open, moved)] {
            #expect(try self.part(old, new, []) == "forwarding settings")
        }
        #expect(try self.part(nil, plain, self.policies(on: "Service")) == nil)
        #expect(try self.part(open, open, []) == nil)
    }

    @Test func `a refusal says why and what to do, and an admin hears none`() throws {
        let old = try #require(self.service("{selector: {app: billing}, ports: [{port: 80}]}"))
        let change = ResourceChange(key: old.key, old: old, new: self.service("{ports: [{port: 80}]}"))
        let stored = self.policies(on: "Service")
        func check(_ caller: APICall.Caller) throws {
            try ChangePermission(caller: caller, verb: "apply").check([change], stored: stored, registered: [])
        }
        let error = try #require(#expect(throws: APIError.self) { try check(.token(id: "t", role: .operator)) })
        #expect(error.status == 403)
        #expect(error.location == "Service/default/billing")
        #expect(error.cause?.contains("AuthorizationPolicy/default/guard") == true)
        #expect(error.remedy?.contains("selector") == true)
        try check(.token(id: "t", role: .admin))
        try check(.local)
    }
}
