import Foundation
import Testing
import WeftIdentity
import WeftModel

@Suite struct JoinTokenTests {
    static let fingerprint = String(repeating: "ab", count: 32)

    func make(_ seed: UInt64, uses: Int? = 1) -> (JoinToken, JoinTokenRecord) {
        var random = SeededRandom(seed)
        let token = JoinToken(rootFingerprint: Self.fingerprint, random: &random)
        return (
            token,
            JoinTokenRecord(
                token: token, namespace: "default", service: "billing", createdAt: Forge.now,
                expiresAt: Forge.now.addingTimeInterval(600), uses: uses, author: "ada")
        )
    }

    @Test func `the text form is read back`() throws {
        let (token, _) = self.make(1)
        let parsed = try #require(JoinToken(token.text))
        #expect(parsed == token)
        #expect(JoinToken("  \(token.text)\n") == token)
        #expect(parsed.rootFingerprint == Self.fingerprint)
    }

    @Test(arguments: ["", "weft1", "weft1.a.b.c", "weft2.0011223344556677.x.y", "weft1...", "....."])
    func `anything else is no token`(text: String) {
        #expect(JoinToken(text) == nil)
    }

    @Test func `the secret is neither stored nor described`() throws {
        let (token, record) = self.make(1)
        let secret = try #require(token.text.split(separator: ".").dropFirst(2).first)
        #expect(!"\(token)".contains(secret))
        let json = String(decoding: try JSONEncoder().encode(record), as: UTF8.self)
        #expect(!json.contains(secret))
        #expect(try JSONDecoder().decode(JoinTokenRecord.self, from: Data(json.utf8)) == record)
    }

    @Test func `a token admits as often as it says, until it expires`() throws {
        var (token, record) = self.make(1, uses: 2)
        try record.redeem(token, now: Forge.now)
        try record.redeem(token, now: Forge.now.addingTimeInterval(599))
        #expect(record.usesLeft == 0)
        #expect(throws: JoinTokenRefusal.usedUp(uses: 2)) { try record.redeem(token, now: Forge.now) }
        (token, record) = self.make(2, uses: nil)
        for _ in 0..<10 { try record.redeem(token, now: Forge.now) }
        let late = Forge.now.addingTimeInterval(600)
        #expect(throws: JoinTokenRefusal.expired(at: 1_800_000_600)) { try record.redeem(token, now: late) }
        #expect(record.uses == 10)
    }

    @Test func `another token's secret does not do`() throws {
        var (_, record) = self.make(1)
        let (other, _) = self.make(2)
        #expect(throws: JoinTokenRefusal.wrongSecret) { try record.redeem(other, now: Forge.now) }
        #expect(record.usesLeft == 1)
    }

    @Test func `a record names the identity it admits`() {
        let (_, record) = self.make(1)
        #expect(record.identity(in: .standard) == Forge.id)
    }
}
