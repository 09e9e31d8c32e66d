import Crypto
import Foundation
import Testing
import WeftIdentity
import WeftModel

@testable import WeftCLI

@Suite struct FleetPlanTests {
    private static func plan(_ fleet: Fleet, _ ports: inout PortBook, installed: Set<String> = []) throws -> FleetPlan {
        try FleetPlan(
            fleet, ports: &ports,
            in: FleetPlan.Surroundings(
                weft: "/bin/weft", directory: "/f", state: "/f/.weft", apiSocket: "/f/api.sock", environment: [:],
                isInstalled: { installed.contains($0) }, isFree: { $0 % 2 == 0 }))
    }

    @Test func `every sidecar gets the flags of telemetry, and a log of its own`() throws {
        var ports = PortBook(seed: 7)
        var fleet = Self.fleet()
        fleet.telemetry = [
            "redact-header": ["x-session", "x-tenant"], "access-log-output": ["logs/${NAME}.log"],
            "access-log": ["all"],
        ]
        let plan = try Self.plan(fleet, &ports, installed: [])
        let sidecars = plan.members.filter { $0.role == .sidecar }
        #expect(
            sidecars.map { Array($0.arguments.suffix(8)) }
                == ["cart-1", "cart-2"].map {
                    [
                        "--access-log", "all", "--access-log-output", "/f/logs/\($0).log", "--redact-header",
                        "x-session",
                        "--redact-header", "x-tenant",
                    ]
                })
        #expect(plan.logFiles == ["/f/logs/cart-1.log", "/f/logs/cart-2.log"])
    }

    private static func fleet() -> Fleet {
        var cart = Fleet.Member(name: "cart", command: ["weft", "service", "--listen", "127.0.0.1:${PORT}"])
        cart.replicas = 2
        cart.version = "v1"
        cart.upstreams = ["billing"]
        return Fleet(name: "shop", services: [cart])
    }

    @Test func `each replica gets a sidecar that joins, and an application that knows its ways out`() throws {
        var ports = PortBook(seed: 0)
        let plan = try Self.plan(Self.fleet(), &ports)
        #expect(plan.members.map(\.name) == ["cart-1.sidecar", "cart-1", "cart-2.sidecar", "cart-2"])
        #expect(plan.members[0].joins?.service == "cart")
        let application = plan.members[1]
        let port = try #require(plan.applicationPorts["cart-1"])
        #expect(application.arguments == ["/bin/weft", "service", "--listen", "127.0.0.1:\(port)"])
        #expect(application.environment["http_proxy"] == "http://127.0.0.1:\(try #require(plan.outbound["cart-1"]))")
        #expect(application.environment["WEFT_UPSTREAM_BILLING"]?.hasPrefix("http://127.0.0.1:") == true)
        #expect(plan.members[0].arguments.contains("version=v1"))
    }

    @Test func `a token is needed only where no valid identity was saved`() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "weft-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let joining = ProcessPlan.Joining(service: "cart", account: "cart", namespace: "default", directory: directory)
        #expect(joining.needsToken(now: Date()))
        #expect(!joining.hasRunOut(now: Date()))
        var random = SystemRandomNumberGenerator()
        let authority = try CertificateAuthority(trustDomain: .standard, now: Date(), random: &random)
        let key = P256.Signing.PrivateKey()
        let svid = try authority.issue(
            csrDER: SigningRequest.der(for: key),
            identity: SPIFFEID(trustDomain: .standard, namespace: "default", account: "cart"), now: Date(),
            random: &random)
        let identity = try WorkloadIdentity(key: key, chain: svid.chain, bundle: svid.bundle, now: Date())
        try identity.save(to: PrivateDirectory(path: directory))
        #expect(!joining.needsToken(now: Date()))
        #expect(joining.needsToken(now: identity.notAfter))
        // The saved one is of another account, as after a change of the fleet file.
        var other = joining
        other.account = "shop"
        #expect(other.needsToken(now: Date()))
        #expect(!joining.hasRunOut(now: Date()))
        #expect(joining.hasRunOut(now: identity.notAfter))
    }

    @Test func `a sidecar whose labels changed joins anew, with a token that names them`() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "weft-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var joining = ProcessPlan.Joining(service: "cart", account: "cart", namespace: "default", directory: directory)
        var random = SystemRandomNumberGenerator()
        let authority = try CertificateAuthority(trustDomain: .standard, now: Date(), random: &random)
        let key = P256.Signing.PrivateKey()
        let svid = try authority.issue(
            csrDER: SigningRequest.der(for: key),
            identity: SPIFFEID(trustDomain: .standard, namespace: "default", account: "cart"), now: Date(),
            random: &random)
        let identity = try WorkloadIdentity(key: key, chain: svid.chain, bundle: svid.bundle, now: Date())
        let files = try PrivateDirectory(path: directory)
        try identity.save(to: files)
        joining.took("a token")
        #expect(try WorkloadIdentity.load(from: files) != nil)
        joining.labels = ["tier": "gold"]
        #expect(joining.needsToken(now: Date()))
        joining.took("a token")
        #expect(try WorkloadIdentity.load(from: files) == nil)
        try identity.save(to: files)
        #expect(!joining.needsToken(now: Date()))
        joining.labels = nil
        #expect(joining.needsToken(now: Date()))
    }

    @Test func `tokens name a member's labels, as far as they are labels`() throws {
        var ports = PortBook(seed: 0)
        var fleet = Self.fleet()
        #expect(try Self.plan(fleet, &ports).members[0].joins?.labels == nil)
        fleet.services[0].labels = ["tier": "gold", "no label": "x", "note": "no value either"]
        #expect(try Self.plan(fleet, &ports).members[0].joins?.labels == ["tier": "gold"])
    }

    @Test func `ports are free ones, all different, and the same again the next time`() throws {
        var ports = PortBook(seed: 0)
        let first = try Self.plan(Self.fleet(), &ports)
        let taken = Array(ports.ports.values)
        #expect(Set(taken).count == taken.count)
        #expect(taken.allSatisfy { $0 % 2 == 0 && PortBook.range.contains($0) })
        #expect(try Self.plan(Self.fleet(), &ports).processes == first.processes)
    }

    @Test func `a change of one service leaves the plans of others as they were`() throws {
        var ports = PortBook(seed: 7)
        var fleet = Self.fleet()
        fleet.services.append(Fleet.Member(name: "other", command: ["weft"]))
        let before = try Self.plan(fleet, &ports)
        fleet.services[0].environment["MODE"] = "fast"
        let after = try Self.plan(fleet, &ports)
        let changed = zip(before.processes, after.processes).filter { $0 != $1 }.map(\.0.name)
        #expect(changed == ["cart-1", "cart-2"])
    }

    @Test func `what is not installed gives way to the other command, or is refused`() throws {
        var ports = PortBook(seed: 0)
        var member = Fleet.Member(name: "a", command: ["node", "a.js"])
        #expect(throws: CommandFailure.self) { try Self.plan(Fleet(name: "s", services: [member]), &ports) }
        member.otherwise = ["weft", "service"]
        let fleet = Fleet(name: "s", services: [member])
        #expect(try Self.plan(fleet, &ports).members[1].arguments == ["/bin/weft", "service"])
        #expect(try Self.plan(fleet, &ports, installed: ["node"]).members[1].arguments == ["node", "a.js"])
    }
}
