import Crypto
import FoundationEssentials
import Testing
import WeftModel

@testable import WeftIdentity

@Suite struct JWTSVIDTests {
    private let key = P256.Signing.PrivateKey()
    private let now = Date(timeIntervalSince1970: 1_800_000_000)
    private let id = SPIFFEID(trustDomain: .standard, namespace: "default", account: "billing")

    private func validate(
        _ token: String, audience: String = "ledger", after seconds: Double = 0
    ) throws(TokenError) -> SPIFFEID {
        let keys = try? JSONWebKeySet(
            JWTSVIDSigner.keySet([self.key.publicKey]), uses: ["jwt-svid"], requiresUse: true)
        return try JWTSVID.validate(token, audience: audience, now: self.now.addingTimeInterval(seconds)) {
            $0 == .standard ? keys : nil
        }.id
    }

    @Test func `what is signed is valid for its audience until it expires`() throws {
        let token = try JWTSVIDSigner(key: self.key).issue(
            subject: self.id, audiences: ["ledger"], lifetime: .seconds(300), now: self.now)
        #expect(try self.validate(token) == self.id)
        #expect(throws: TokenError.wrongAudience) { try self.validate(token, audience: "other") }
        #expect(throws: TokenError.expired(at: 1_800_000_300, now: 1_800_000_360)) {
            try self.validate(token, after: 360)
        }
    }

    @Test func `the keys of another trust domain are not tried`() throws {
        let stranger = SPIFFEID(trustDomain: try #require(TrustDomain("other.example")), namespace: "a", account: "b")
        let token = try JWTSVIDSigner(key: self.key).issue(
            subject: stranger, audiences: ["ledger"], lifetime: .seconds(300), now: self.now)
        #expect(throws: TokenError.noKeys(issuer: "other.example")) { try self.validate(token) }
    }

    @Test func `a header may have nothing but alg, kid and typ`() throws {
        let maker = try TokenMaker()
        for header: [String: JSONValue] in [
            ["jku": .string("https://x")], ["x5c": .array([])], ["typ": .string("at+jwt")], ["typ": .integer(1)],
        ] {
            let token = try maker.es256(TokenMaker.claims(["sub": .string(self.id.description)]), header: header)
            #expect(throws: TokenError.headerRefused) { try self.validate(token) }
        }
        #expect(throws: TokenError.algorithmRefused) { try self.validate(try maker.edDSA()) }
        #expect(throws: TokenError.wrongSubject) { try self.validate(try maker.es256()) }
        let domain = TokenMaker.claims(["sub": .string("spiffe://mesh.local")])
        #expect(throws: TokenError.wrongSubject) { try self.validate(try maker.es256(domain)) }
    }

    @Test func `keys without the use of a bundle's keys are passed over`() throws {
        let maker = try TokenMaker()
        #expect(try JSONWebKeySet(try maker.keySet, uses: ["jwt-svid"], requiresUse: true).keys.isEmpty)
        #expect(try JSONWebKeySet(try maker.keySet).keys.count == 4)
    }

    @Test func `weak and impossible keys are errors`() throws {
        let small = Base64URL.encode([UInt8](repeating: 0xff, count: 128))
        let fine = Base64URL.encode([UInt8](repeating: 0xff, count: 256))
        for key in [
            "{\"kty\":\"RSA\",\"n\":\"\(small)\",\"e\":\"AQAB\"}", "{\"kty\":\"RSA\",\"n\":\"\(fine)\",\"e\":\"AQ\"}",
            "{\"kty\":\"RSA\",\"n\":\"\(fine)\",\"e\":\"AA\"}", "{\"kty\":\"RSA\",\"e\":\"AQAB\"}",
            "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA\",\"y\":\"AAAA\"}",
            "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"\(String(repeating: "A", count: 43))\",\"y\":\"\(String(repeating: "A", count: 43))\"}",
            "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}", "{\"kty\":\"RSA\",\"kid\":1}", "7",
        ] {
            #expect(throws: JSONWebKeySet.Malformed.self) { try JSONWebKeySet("{\"keys\":[\(key)]}") }
        }
        let many = Array(repeating: "{}", count: 65).joined(separator: ",")
        #expect(throws: JSONWebKeySet.Malformed.self) { try JSONWebKeySet("{\"keys\":[\(many)]}") }
        #expect(throws: JSONWebKeySet.Malformed.self) { try JSONWebKeySet(String(repeating: " ", count: 65_537)) }
    }
}
