import Testing
import WeftCompiler
import WeftModel

/// Who is behind a Service is who was attested to be.
@Suite struct AttestedMembersTests {
    private func workload(
        _ name: String, service: String, labels: [String: String] = [:], grants: LabelGrants? = LabelGrants(),
        inboundPort: Int? = 15006
    ) -> RegisteredWorkload {
        RegisteredWorkload(
            workload: Workload(
                metadata: Metadata(name: name, labels: labels), account: service, service: service,
                address: "127.0.0.1", ports: [Workload.Port(name: "http", port: 8080, inboundPort: inboundPort)],
                weight: 1_000_000), readiness: .ready, grants: grants)
    }

    private func service(_ name: String, _ selector: [String: String] = [:]) -> Resource {
        .service(Service(metadata: Metadata(name: name), ports: [Service.Port(port: 80)], selector: selector))
    }

    private func compile(_ resources: [Resource], _ workloads: [RegisteredWorkload]) -> Compilation {
        Compiler.compile(
            resources: resources, workloads: workloads, trustDomain: .standard, revision: Revision(1))
    }

    private func members(_ compilation: Compilation, _ service: String) -> [String]? {
        compilation.snapshot.endpoints["\(service).default:80"]?.endpoints.map(\.workload)
    }

    private func identity(_ account: String) -> SPIFFEID {
        SPIFFEID(trustDomain: .standard, namespace: "default", account: account)
    }

    @Test func `a label that nobody attested brings no endpoint, no identity, and a warning`() {
        let honest = self.workload("billing-1", service: "billing")
        let thief = self.workload("acc5", service: "acc", labels: ["app": "billing"])
        let compilation = self.compile([self.service("vault", ["app": "billing"])], [honest, thief])
        #expect(self.members(compilation, "vault") == ["default/billing-1"])
        #expect(
            compilation.snapshot.clusters["vault.default:80"]?.transport
                == .mutualTLS(peers: [self.identity("billing")]))
        #expect(self.members(compilation, "acc") == ["default/acc5"])
        let warning = compilation.diagnostics.first {
            $0.severity == .warning && $0.resource == "Service/default/vault"
        }
        #expect(warning?.message.contains("default/acc5 says of itself that it is app=billing") == true)
        #expect(
            warning?.remedy?.contains("weft token create --service acc --label app=billing") == true)
        #expect(warning?.remedy?.contains("spiffe://mesh.local/ns/default/sa/acc") == true)
        // Taken up by the shorter way too.
        let before = self.compile([self.service("vault", ["app": "billing"])], [honest])
        let updated = Compiler.update(before, workloads: [honest, thief])
        #expect(self.members(updated, "vault") == ["default/billing-1"])
        #expect(updated.diagnostics == compilation.diagnostics)
    }

    @Test func `a document's place is taken by its own identity alone`() {
        let document = Resource.workload(
            Workload(
                metadata: Metadata(name: "vm1", labels: ["role": "vm"]), account: "billing", service: nil,
                address: "127.0.0.2", ports: [Workload.Port(name: "http", port: 8080, inboundPort: 15006)]))
        let shop = self.service("shopvm", ["role": "vm"])
        let thief = self.workload("vm1", service: "acc")
        let taken = self.compile([shop, document], [thief])
        #expect(taken.snapshot.endpoints["shopvm.default:80"]?.endpoints.map(\.address) == ["127.0.0.2"])
        #expect(self.members(taken, "acc") == nil)
        let warning = taken.diagnostics.first { $0.resource == "Workload/default/vm1" }
        #expect(warning?.message.contains("\(self.identity("acc")), while the document") == true)
        let owner = self.compile([shop, document], [self.workload("vm1", service: "billing")])
        #expect(self.members(owner, "billing") == ["default/vm1"])
        #expect(!owner.diagnostics.contains { $0.resource == "Workload/default/vm1" })
    }

    @Test func `attested labels bring an endpoint, and versions sort without any`() {
        let compilation = self.compile(
            [
                self.service("vault", ["tier": "gold"]), self.service("acc-v1", ["app": "acc", "version": "v1"]),
                self.service("acc-v2", ["app": "acc", "version": "v2"]),
            ],
            [
                self.workload(
                    "acc-1", service: "acc", labels: ["tier": "gold", "version": "v1"],
                    grants: LabelGrants(["tier": "gold"])),
                self.workload("acc-2", service: "acc", labels: ["tier": "gold", "version": "v2"]),
            ])
        #expect(self.members(compilation, "vault") == ["default/acc-1"])
        #expect(self.members(compilation, "acc-v1") == ["default/acc-1"])
        #expect(self.members(compilation, "acc-v2") == ["default/acc-2"])
        #expect(compilation.diagnostics.map(\.resource) == ["Service/default/vault"])
    }

    @Test func `policies of a service hold for whoever says it serves it`() throws {
        let deny = AuthorizationPolicy(
            metadata: Metadata(name: "no"),
            targets: [.service(ServiceName(namespace: "default", name: "vault"), port: nil)],
            action: .deny, rules: [AuthorizationRule()])
        let compilation = self.compile(
            [self.service("vault", ["app": "billing"]), .authorizationPolicy(deny)],
            [self.workload("acc5", service: "acc", labels: ["app": "billing"])])
        let name = InboundListener.name(namespace: "default", workload: "acc5", appPort: 8080)
        guard case .inbound(let listener)? = compilation.snapshot.listeners[name] else {
            return #expect(Bool(false))
        }
        #expect(listener.authorization.policies.map(\.action) == [.deny])
        #expect(self.members(compilation, "vault") == [])
    }

    @Test func `many that claim too much are counted`() {
        let thieves = (0..<50).map { self.workload("t\($0)", service: "acc", labels: ["app": "billing"]) }
        let compilation = self.compile([self.service("vault", ["app": "billing"])], thieves)
        #expect(compilation.diagnostics.count == 9)
        #expect(compilation.diagnostics.last?.message.contains("42 more workloads") == true)
    }

    // MARK: Strict

    private func mode(_ mode: MTLSMode) -> Resource {
        .peerAuthentication(
            PeerAuthentication(
                metadata: Metadata(name: "m"),
                targets: [.service(ServiceName(namespace: "default", name: "vault"), port: nil)], mode: mode))
    }

    @Test func `where the mode is strict a workload without a sidecar gets no call`() {
        let bare = self.workload("plain3", service: "vault", inboundPort: nil)
        for resources in [[], [self.service("vault")], [self.service("vault"), self.mode(.strict)]] {
            let compilation = self.compile(resources, [bare])
            #expect(self.members(compilation, "vault") == [])
            #expect(
                compilation.snapshot.clusters["vault.default:80"]?.transport
                    == .mutualTLS(peers: [self.identity("vault")]))
            let warning = compilation.diagnostics.first { $0.message.contains("default/plain3 behind port 80") }
            #expect(warning?.message.contains("the mode is strict") == true)
        }
    }

    @Test(arguments: [MTLSMode.permissive, .disabled])
    func `where the mode allows it a workload without a sidecar is called in the clear`(mode: MTLSMode) {
        let bare = self.workload("plain3", service: "vault", inboundPort: nil)
        let compilation = self.compile([self.service("vault"), self.mode(mode)], [bare])
        #expect(self.members(compilation, "vault") == ["default/plain3"])
        #expect(compilation.snapshot.clusters["vault.default:80"]?.transport == .plaintext)
        #expect(compilation.diagnostics.isEmpty)
    }
}
