import Foundation
import GRPCCore
import Testing
import WeftIdentity
import WeftModel
import WeftProtos

@testable import WeftAgent

@Suite struct WorkloadMaterialTests {
    private let mint = TestMint()
    private let process = ProcessFacts(pid: 1, uid: 1000, gid: 1000)
    private let entry = AgentEntry.test("mine", [.uid(1000)])

    @Test func `a process gets its chain, its key and the roots in DER`() throws {
        let identity = try self.mint.identity(self.entry.spiffeID, life: .seconds(100))
        let snapshot = AgentSnapshot(
            entries: [self.entry], identities: [self.entry.id: identity], trust: try self.mint.trust)
        let answer = try snapshot.x509(for: self.process)
        let svid = try #require(answer.svids.first)
        #expect(answer.svids.count == 1)
        #expect(svid.spiffeID == "spiffe://mesh.local/ns/default/sa/mine")
        #expect(svid.x509Svid == Data(identity.chain[0] + identity.chain[1]))
        #expect(svid.x509SvidKey == Data(identity.keyDER))
        #expect(svid.bundle == Data(try self.mint.authority.rootDER))
        #expect(answer.federatedBundles.isEmpty)
        #expect(
            try snapshot.x509Bundles(for: self.process).bundles
                == ["spiffe://mesh.local": Data(try self.mint.authority.rootDER)])
        #expect(try snapshot.jwtBundles(for: self.process).bundles == ["spiffe://mesh.local": Data("{}".utf8)])
    }

    @Test func `a process without an entry is told so, and nothing else`() throws {
        let stranger = ProcessFacts(pid: 2, uid: 2, gid: 2)
        let snapshot = AgentSnapshot(entries: [self.entry], trust: try self.mint.trust)
        #expect(throws: WorkloadRefusal.noEntry(stranger)) { try snapshot.x509(for: stranger) }
        #expect(throws: WorkloadRefusal.noEntry(stranger)) { try snapshot.x509Bundles(for: stranger) }
        #expect(throws: WorkloadRefusal.noEntry(stranger)) { try snapshot.jwtBundles(for: stranger) }
    }

    @Test func `the default identity is waited for rather than passed over`() throws {
        let more = AgentEntry.test("more", [.uid(1000)])
        let snapshot = AgentSnapshot(
            entries: [self.entry, more],
            identities: [more.id: try self.mint.identity(more.spiffeID, life: .seconds(100))],
            trust: try self.mint.trust)
        #expect(throws: WorkloadRefusal.notReady) { try snapshot.x509(for: self.process) }
    }

    @Test func `an identity that will not come keeps nobody from the others`() throws {
        let more = AgentEntry.test("more", [.uid(1000)])
        var snapshot = AgentSnapshot(
            entries: [self.entry, more],
            identities: [more.id: try self.mint.identity(more.spiffeID, life: .seconds(100))],
            absent: [self.entry.id], trust: try self.mint.trust)
        #expect(try snapshot.x509(for: self.process).svids.map(\.spiffeID) == ["\(more.spiffeID)"])
        snapshot.identities = [:]
        snapshot.absent.insert(more.id)
        #expect(throws: WorkloadRefusal.notReady) { try snapshot.x509(for: self.process) }
    }

    @Test func `of a refusal to sign, the word and the reason are handed on, and nothing else`() {
        let refusal = RPCError(code: .permissionDenied, message: "it is revoked", metadata: ["grpc-status": "7"])
        let told = RPCError(ofSigning: refusal)
        #expect(told.code == .permissionDenied)
        #expect(told.message == "it is revoked")
        #expect(told.metadata.isEmpty)
        #expect(RPCError(ofSigning: RPCError(code: .resourceExhausted, message: "")).code == .resourceExhausted)
        #expect(RPCError(ofSigning: RPCError(code: .unauthenticated, message: "")).code == .unavailable)
        #expect(RPCError(ofSigning: CancellationError()).code == .unavailable)
    }
}
