import Crypto
import CryptoExtras
import FoundationEssentials
import Testing
import WeftModel

@testable import WeftIdentity

@Suite struct TokenVerifierTests {
    private static let maker = Result { try TokenMaker() }

    private let maker: TokenMaker
    private let verifier: TokenVerifier

    init() throws {
        self.maker = try Self.maker.get()
        self.verifier = TokenVerifier(issuers: [try self.maker.issuer])
    }

    private func refusal(_ token: String, now: Int64 = TokenMaker.now) -> TokenError? {
        do throws(TokenError) {
            _ = try self.verifier.verify(token, now: now)
            return nil
        } catch { return error }
    }

    @Test func `every accepted algorithm is verified with a key of its kind`() throws {
        var tokens = [try self.maker.es256(), try self.maker.es384(), try self.maker.edDSA()]
        for algorithm in [TokenAlgorithm.rs256, .rs384, .rs512, .ps256, .ps384, .ps512] {
            tokens.append(try self.maker.rs(algorithm))
        }
        for token in tokens { #expect(self.refusal(token) == nil) }
    }

    @Test func `what a token says is there by its path`() throws {
        let token = try self.maker.es256(
            TokenMaker.claims([
                "realm.roles": .array([.string("a"), .integer(7), .boolean(true), .null]),
                "realm": .object(["roles": .string("x")]), "nothing": .null,
            ]))
        let claims = try self.verifier.verify(token, now: TokenMaker.now)
        #expect(claims.subject == "ada")
        #expect(claims.expires == TokenMaker.now + 300)
        #expect(claims.texts(at: ["realm.roles"]) == ["a", "7", "true"])
        #expect(claims.texts(at: ["realm", "roles"]) == ["x"])
        #expect(claims.texts(at: ["nothing"]).isEmpty)
        #expect(claims.texts(at: ["realm"]).isEmpty)
    }

    @Test func `one changed character anywhere is noticed`() throws {
        for token in [try self.maker.es256(), try self.maker.rs(.rs256), try self.maker.edDSA()] {
            var accepted = 0
            var bytes = Array(token.utf8)
            for index in bytes.indices {
                let kept = bytes[index]
                bytes[index] = kept == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
                if self.refusal(String(decoding: bytes, as: UTF8.self)) == nil { accepted += 1 }
                bytes[index] = kept
            }
            #expect(accepted == 0)
        }
    }

    @Test func `unsigned and symmetric tokens are refused before any key is looked at`() throws {
        for name in ["none", "None", "NONE", "nOnE"] {
            let message = TokenMaker.message(["alg": .string(name)], TokenMaker.claims().text)
            #expect(self.refusal(message + ".") == .algorithmNone)
            #expect(self.refusal(message + ".AAAA") == .algorithmNone)
        }
        let primitives = try self.maker.rsa.publicKey.getKeyPrimitives()
        for secret in [
            Array(self.maker.rsa.publicKey.pemRepresentation.utf8), Array(self.maker.rsa.publicKey.derRepresentation),
            Array(primitives.modulus), Array(try self.maker.keySet.utf8), [],
        ] {
            #expect(self.refusal(self.maker.hs256(secret: secret)) == .algorithmRefused)
        }
        for name in ["", "rs256", "ES256K", "HS512", "RS256 "] {
            #expect(self.refusal(try self.maker.es256(header: ["alg": .string(name)])) == .algorithmRefused)
        }
    }

    @Test func `an algorithm that does not fit the key named is refused`() throws {
        #expect(self.refusal(try self.maker.es256(header: ["kid": .string("rsa")])) == .unknownKey)
        #expect(self.refusal(try self.maker.es256(header: ["kid": .string("ed")])) == .unknownKey)
        #expect(self.refusal(try self.maker.es256(header: ["kid": .string("elsewhere")])) == .unknownKey)
        #expect(self.refusal(try self.maker.es256(header: ["kid": .integer(1)])) == .malformed("kid is no text"))
    }

    @Test func `signatures of another form are refused`() throws {
        let token = try self.maker.es256()
        let message = token[..<(token.lastIndex(of: ".") ?? token.endIndex)]
        let der = try self.maker.ec.signature(for: SHA256.hash(data: Array(message.utf8))).derRepresentation
        #expect(self.refusal(TokenMaker.compact(String(message), der)) == .badSignature)
        #expect(self.refusal("\(message).") == .badSignature)
        for count in [1, 32, 63, 64, 65, 96, 256] {
            #expect(
                self.refusal(TokenMaker.compact(String(message), [UInt8](repeating: 0, count: count)))
                    == .badSignature)
        }
        // The order of the curve for r and s.
        let order = Hex.decode("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551") ?? []
        #expect(self.refusal(TokenMaker.compact(String(message), order + order)) == .badSignature)
    }

    @Test func `times are kept to within a minute`() throws {
        let token = try self.maker.es256()
        #expect(self.refusal(token, now: TokenMaker.now + 359) == nil)
        #expect(
            self.refusal(token, now: TokenMaker.now + 360)
                == .expired(at: TokenMaker.now + 300, now: TokenMaker.now + 360))
        #expect(self.refusal(token, now: TokenMaker.now - 60) == nil)
        #expect(
            self.refusal(token, now: TokenMaker.now - 61)
                == .notYetValid(from: TokenMaker.now, now: TokenMaker.now - 61))
        let later = TokenMaker.claims(["nbf": .integer(TokenMaker.now + 61)])
        #expect(
            self.refusal(try self.maker.es256(later)) == .notYetValid(from: TokenMaker.now + 61, now: TokenMaker.now))
        #expect(self.refusal(try self.maker.es256(TokenMaker.claims(["exp": nil]))) == .noExpiry)
        for wrong: JSONValue in [.string("soon"), .number("1e400"), .number("9e99"), .null, .array([])] {
            #expect(
                self.refusal(try self.maker.es256(TokenMaker.claims(["exp": wrong])))
                    == .malformed("exp is no number"))
        }
        #expect(self.refusal(try self.maker.es256(TokenMaker.claims(["exp": .number("1.8000003e9")]))) == nil)
        #expect(
            self.refusal(try self.maker.es256(TokenMaker.claims(["exp": .number("-5")])))
                == .expired(at: -5, now: TokenMaker.now))
    }

    @Test func `issuer and audience are compared exactly`() throws {
        for issuer in ["https://issuer.example/", "https://ISSUER.example", "", "https://issuer.exampl"] {
            #expect(
                self.refusal(try self.maker.es256(TokenMaker.claims(["iss": .string(issuer)]))) == .wrongIssuer)
        }
        #expect(self.refusal(try self.maker.es256(TokenMaker.claims(["iss": nil]))) == .wrongIssuer)
        #expect(
            self.refusal(try self.maker.es256(TokenMaker.claims(["iss": .array([.string("https://issuer.example")])])))
                == .wrongIssuer)
        for audience: JSONValue? in [nil, .string("bill"), .array([]), .integer(1), .object(["billing": .null])] {
            #expect(
                self.refusal(try self.maker.es256(TokenMaker.claims(["aud": audience]))) == .wrongAudience)
        }
        #expect(
            self.refusal(
                try self.maker.es256(TokenMaker.claims(["aud": .array([.integer(2), .string("ledger")])]))) == nil)
    }

    @Test func `headers that demand extensions are refused`() throws {
        #expect(self.refusal(try self.maker.es256(header: ["crit": .array([.string("b64")])])) == .criticalHeader)
        #expect(self.refusal(try self.maker.es256(header: ["crit": .null])) == .criticalHeader)
        // A key that the token brings along is not looked at.
        #expect(self.refusal(try self.maker.es256(header: ["jwk": .object([:]), "jku": .string("http://x")])) == nil)
    }

    @Test func `what is no token is refused with a reason that does not repeat it`() throws {
        let good = try self.maker.es256()
        let parts = good.split(separator: ".").map(String.init)
        let texts = [
            "", ".", "..", "...", "a.b.c", good + ".", good + ".x", "." + good, good + " ", " " + good, good + "\n",
            good + "=", "\(parts[0]).\(parts[1])", "\(parts[0])=.\(parts[1]).\(parts[2])",
            "\(parts[0])+.\(parts[1]).\(parts[2])", "é.é.é", "\u{0}.\u{0}.\u{0}",
            "\(parts[0]).\(Base64URL.encode(Array("[]".utf8))).\(parts[2])",
            "\(parts[0]).\(Base64URL.encode(Array("{\"a\":1,\"a\":2}".utf8))).\(parts[2])",
            "\(parts[0]).\(Base64URL.encode(Array("{\"a\":1}x".utf8))).\(parts[2])",
            "\(parts[0]).\(Base64URL.encode([0x22, 0xff, 0x22])).\(parts[2])",
            "\(Base64URL.encode(Array("{\"alg\":\"ES256\",\"alg\":\"ES256\"}".utf8))).\(parts[1]).\(parts[2])",
            "\(Base64URL.encode(Array("{}".utf8))).\(parts[1]).\(parts[2])",
        ]
        for text in texts {
            let refusal = self.refusal(text)
            #expect(refusal?.label == "malformed", "\(text)")
            for part in text.split(separator: ".") where part.count > 8 {
                #expect(refusal?.description.contains(part) == false)
            }
        }
        let nested = String(repeating: "[", count: 1000) + String(repeating: "]", count: 1000)
        let deep = TokenMaker.message(["alg": .string("ES256")], "{\"a\":\(nested)}") + ".AAAA"
        #expect(self.refusal(deep)?.label == "malformed")
        #expect(self.refusal(String(repeating: "a", count: 16_385)) == .tooLarge(16_385))
        #expect(self.refusal(good + String(repeating: "a", count: 16_384))?.label == "too_large")
    }

    @Test func `an issuer without keys, or with keys that cannot be read, refuses`() throws {
        for keys in ["", "{}", "[]", "{\"keys\":[]}", "{\"keys\":{}}", "nonsense"] {
            var issuer = try self.maker.issuer
            issuer.keys = keys
            let verifier = TokenVerifier(issuers: [issuer])
            #expect(throws: TokenError.noKeys(issuer: "https://issuer.example")) {
                try verifier.verify(try self.maker.es256(), now: TokenMaker.now)
            }
        }
    }

    @Test func `of several rules for one issuer any may believe a token`() throws {
        var stranger = try self.maker.issuer
        stranger.audiences = ["other"]
        let verifier = TokenVerifier(issuers: [stranger, try self.maker.issuer])
        let token = Array(try self.maker.es256().utf8)
        #expect(try verifier.verify(token, by: [0, 1], now: TokenMaker.now).issuer == 1)
        #expect(throws: TokenError.wrongAudience) { try verifier.verify(token, by: [0], now: TokenMaker.now) }
        #expect(throws: TokenError.wrongIssuer) { try verifier.verify(token, by: [], now: TokenMaker.now) }
    }

    @Test func `without kid at most eight keys are tried`() throws {
        let strangers = (0..<8).map { _ in P256.Signing.PrivateKey().publicKey }
        let header = Base64URL.encode(Array("{\"alg\":\"ES256\"}".utf8))
        let message = "\(header).\(Base64URL.encode(Array(TokenMaker.claims().text.utf8)))"
        let signature = try self.maker.ec.signature(for: SHA256.hash(data: Array(message.utf8)))
        let token = try JSONWebToken(
            Array(TokenMaker.compact(message, signature.rawRepresentation).utf8))
        let seven = try JSONWebKeySet(JWTSVIDSigner.keySet(strangers.dropLast() + [self.maker.ec.publicKey]))
        try token.verify(with: seven)
        let eight = try JSONWebKeySet(JWTSVIDSigner.keySet(strangers + [self.maker.ec.publicKey]))
        #expect(throws: TokenError.badSignature) { try token.verify(with: eight) }
    }

    @Test func `the cache gives back what is good, and stays small`() throws {
        var cache = TokenCache()
        let claims = try self.verifier.verify(try self.maker.es256(), now: TokenMaker.now)
        let entry = TokenCache.Entry(claims: claims, issuer: 0)
        let key = TokenCache.key(of: [1])
        cache.add(entry, key)
        #expect(cache.entry(key, now: TokenMaker.now + 359)?.claims == claims)
        for number in 0..<5000 {
            cache.add(entry, TokenCache.key(of: Array("\(number)".utf8)))
            if number % 100 == 0 { #expect(cache.entry(key, now: TokenMaker.now) != nil) }
            #expect(cache.count <= 1025)
        }
        #expect(cache.entry(key, now: TokenMaker.now + 360) == nil)
        cache.removeAll()
        #expect(cache.entry(key, now: TokenMaker.now) == nil)
    }
}
