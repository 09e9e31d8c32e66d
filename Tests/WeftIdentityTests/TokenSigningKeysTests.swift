import Foundation
import Testing
import WeftIdentity
import WeftModel

@Suite struct TokenSigningKeysTests {
    private static let period = Double(TokenSigningKeys.period)
    private static let notice = Double(TokenSigningKeys.notice)

    @Test func `the first key signs at once`() throws {
        let keys = TokenSigningKeys(now: Forge.now)
        #expect(keys.count == 1)
        let token = try keys.signer(now: Forge.now).issue(
            subject: Forge.id, audiences: ["ledger"], lifetime: .seconds(60), now: Forge.now)
        let set = try JSONWebKeySet(keys.keySet, requiresUse: true)
        let (id, _) = try JWTSVID.validate(token, audience: "ledger", now: Forge.now) { _ in set }
        #expect(id == Forge.id)
    }

    @Test func `a new key is published before it signs, and the old one until what it signed has run out`() {
        var keys = TokenSigningKeys(now: Forge.now)
        var changed = false
        let first = keys.signer(now: Forge.now).keyID
        changed = keys.rotate(now: Forge.now.addingTimeInterval(Self.period - 1))
        #expect(!changed)
        let change = Forge.now.addingTimeInterval(Self.period)
        changed = keys.rotate(now: change)
        #expect(changed)
        #expect(keys.count == 2)
        changed = keys.rotate(now: change)
        #expect(!changed)
        #expect(keys.signer(now: change.addingTimeInterval(Self.notice - 1)).keyID == first)
        let use = change.addingTimeInterval(Self.notice)
        let second = keys.signer(now: use).keyID
        #expect(second != first)
        let life = Double(TokenSigningKeys.longestToken.components.seconds)
        changed = keys.rotate(now: use.addingTimeInterval(life))
        #expect(!changed)
        #expect(keys.keySet.contains(first))
        changed = keys.rotate(now: use.addingTimeInterval(life + 61))
        #expect(changed)
        #expect(!keys.keySet.contains(first))
        #expect(keys.signer(now: use.addingTimeInterval(life + 61)).keyID == second)
    }

    @Test func `keys outlive the process, in a file for their owner alone`() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "weft-keys-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let storage = try PrivateDirectory(path: path)
        var keys = try TokenSigningKeys.open(in: storage, now: Forge.now)
        let changed: Bool
        #expect(try TokenSigningKeys.open(in: storage, now: Forge.now).keySet == keys.keySet)
        changed = keys.rotate(now: Forge.now.addingTimeInterval(Self.period))
        #expect(changed)
        try keys.save(to: storage)
        #expect(try TokenSigningKeys.open(in: storage, now: Forge.now).keySet == keys.keySet)
        try storage.write(TokenSigningKeys.fileName, Array("{}".utf8))
        #expect(throws: AuthorityError.self) { try TokenSigningKeys.open(in: storage, now: Forge.now) }
    }
}

@Suite struct AgentTokenRecordTests {
    private func made(host: String?) -> (JoinToken, AgentTokenRecord) {
        var random = SystemRandomNumberGenerator()
        let token = JoinToken(rootFingerprint: String(repeating: "a", count: 64), random: &random)
        let record = AgentTokenRecord(
            token: token, host: host, createdAt: Forge.now, expiresAt: Forge.now.addingTimeInterval(60), author: "local"
        )
        return (token, record)
    }

    @Test func `a token admits one agent once`() throws {
        var (token, record) = self.made(host: nil)
        try record.redeem(token, host: "db-1", now: Forge.now)
        #expect(throws: AgentTokenRefusal.used) { try record.redeem(token, host: "db-1", now: Forge.now) }
    }

    @Test func `a token for a host admits no other, and is not used up by trying`() throws {
        var (token, record) = self.made(host: "db-1")
        #expect(throws: AgentTokenRefusal.otherHost(token: "db-1", claimed: "db-2")) {
            try record.redeem(token, host: "db-2", now: Forge.now)
        }
        try record.redeem(token, host: "db-1", now: Forge.now)
    }

    @Test func `late and foreign tokens are refused`() {
        var (token, record) = self.made(host: nil)
        #expect(throws: AgentTokenRefusal.expired(at: record.expiresAt)) {
            try record.redeem(token, host: "db-1", now: Forge.now.addingTimeInterval(60))
        }
        let (other, _) = self.made(host: nil)
        #expect(throws: AgentTokenRefusal.unknown) { try record.redeem(other, host: "db-1", now: Forge.now) }
    }

    @Test func `an agent's identity names its host and nothing else`() {
        let id = SPIFFEID.agent(host: "db-1.example", in: .standard)
        #expect(id?.description == "spiffe://mesh.local/weft/agent/db-1.example")
        #expect(id?.agentHost == "db-1.example")
        for host in ["", "Db", "a/b", "a..b", "-a", "a-", "..", String(repeating: "a", count: 64)] {
            #expect(SPIFFEID.agent(host: host, in: .standard) == nil)
        }
        #expect(Forge.id.agentHost == nil)
        #expect(SPIFFEID("spiffe://mesh.local/weft/agent/a/b")?.agentHost == nil)
    }
}
