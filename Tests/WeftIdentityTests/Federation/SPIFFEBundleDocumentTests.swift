import Crypto
import Foundation
import Testing
import WeftModel
import X509

@testable import WeftIdentity

@Suite struct SPIFFEBundleDocumentTests {
    private let domain = TrustDomain.standard

    private func root(_ change: (inout Forge.Spec) -> Void = { _ in }) throws -> [UInt8] {
        var spec = Forge.Spec.authority("Partner")
        change(&spec)
        return try Forge.make(spec).der
    }

    private func entry(_ der: [UInt8], use: String = "x509-svid", more: String = "") -> String {
        #"{"use": "\#(use)", "kty": "EC"\#(more), "x5c": ["\#(Data(der).base64EncodedString())"]}"#
    }

    /// A new key for JWT-SVIDs, as an entry.
    private func key(_ kid: String, more: String = "") -> String {
        let raw = P256.Signing.PrivateKey().publicKey.rawRepresentation
        func member(_ half: Data) -> String { Base64URL.encode(Array(half)) }
        return
            #"{"use": "jwt-svid", "kty": "EC", "crv": "P-256", "kid": "\#(kid)", "x": "\#(member(raw.prefix(32)))", "y": "\#(member(raw.suffix(32)))"\#(more)}"#
    }

    private func read(_ text: String) throws -> SPIFFEBundleDocument {
        try SPIFFEBundleDocument(Array(text.utf8), of: self.domain)
    }

    @Test func `a document reads back as it was written, and equal bundles give equal bytes`() throws {
        let document = SPIFFEBundleDocument(
            roots: [try self.root(), try self.root()],
            jwtKeys: ["k1": try StrictJSON(Array(self.key("k1").utf8))], sequence: 7, refreshHint: 60)
        let bytes = try document.encoded()
        #expect(try SPIFFEBundleDocument(bytes, of: self.domain) == document)
        #expect(try document.encoded() == bytes)
        #expect(document.refresh == .seconds(60))
    }

    @Test func `an entry of ours has the key's own parameters, one certificate, and no kid`() throws {
        let json = try StrictJSON(SPIFFEBundleDocument(roots: [try self.root()]).encoded())
        let key = try #require(json.object?["keys"]?.list?.first?.object)
        #expect(key["kty"] == .text("EC"))
        #expect(key["crv"] == .text("P-256"))
        #expect(key["x"]?.text?.count == 43)
        #expect(key["x5c"]?.list?.count == 1)
        #expect(key["kid"] == nil)
    }

    @Test func `keys for tokens are a key set of what is public, and those of no use are left out and told`() throws {
        let root = try self.root()
        let keys = [
            self.key("b", more: #", "d": "hush", "vendor": 1"#), self.key("a"), self.entry(root),
            #"{"use": "jwt-svid", "kty": "oct", "kid": "shared", "k": "hush"}"#,
            #"{"use": "jwt-svid", "kty": "EC", "crv": "P-256", "kid": "off", "x": "AA", "y": "AA"}"#,
            #"{"use": "jwt-svid", "kty": "RSA", "kid": "short", "n": "AQAB", "e": "AQAB"}"#,
        ]
        let document = try self.read(#"{"keys": [\#(keys.joined(separator: ", "))]}"#)
        #expect(document.roots == [root])
        #expect(document.jwtKeys.keys.sorted() == ["a", "b"])
        #expect(
            document.unusableKeys.map { $0.prefix(18) } == [
                #"keys[3], "shared":"#, #"keys[4], "off": `k"#, #"keys[5], "short": "#,
            ])
        #expect(!document.jwtKeySet.contains("hush") && !document.jwtKeySet.contains("vendor"))
        #expect(try JSONWebKeySet(document.jwtKeySet, requiresUse: true).keys.map(\.id) == ["a", "b"])
        #expect(SPIFFEBundleDocument(roots: []).jwtKeySet == #"{"keys":[]}"#)
    }

    @Test func `keys for tokens without end are not all taken`() throws {
        let keys = (0..<100).map { self.key("k\($0)") }.joined(separator: ", ")
        let document = try self.read(#"{"keys": [\#(keys)]}"#)
        #expect(document.jwtKeys.count == SPIFFEBundleDocument.maxJWTKeys)
        #expect(document.unusableKeys.count == 100 - SPIFFEBundleDocument.maxJWTKeys)
        #expect(try JSONWebKeySet(document.jwtKeySet).keys.count == SPIFFEBundleDocument.maxJWTKeys)
    }

    @Test func `no keys at all distrusts everybody, and is a bundle`() throws {
        #expect(try self.read(#"{"keys": []}"#).roots.isEmpty)
    }

    @Test func `entries of unknown or no use, without certificate, and repeats are passed over`() throws {
        let der = try self.root()
        let text =
            #"{"keys": [\#(self.entry(der)), \#(self.entry(der)), \#(self.entry(der, use: "wit")), {"kty": "EC"}, "#
            + #"{"use": "x509-svid", "kty": "EC"}], "vendor": {"a": 1}}"#
        #expect(try self.read(text).roots == [der])
    }

    @Test(arguments: [
        "", "[]", "{}", #"{"keys": {}}"#, #"{"keys": [1]}"#, #"{"keys": []} x"#, #"{"keys": [], "keys": []}"#,
        #"{"keys": [], "spiffe_sequence": -1}"#, #"{"keys": [], "spiffe_sequence": 1.5}"#,
        #"{"keys": [], "spiffe_sequence": "1"}"#, #"{"keys": [], "spiffe_refresh_hint": -5}"#,
        #"{"keys": [{"use": "x509-svid", "x5c": ["AA=="]}]}"#,
        #"{"keys": [{"use": "x509-svid", "kty": "EC", "x5c": "AA=="}]}"#,
        #"{"keys": [{"use": "x509-svid", "kty": "EC", "x5c": []}]}"#,
        #"{"keys": [{"use": "x509-svid", "kty": "EC", "x5c": ["%%%"]}]}"#,
        #"{"keys": [{"use": "x509-svid", "kty": "EC", "x5c": ["AAAA"]}]}"#,
        #"{"keys": [{"use": "jwt-svid", "kty": "EC"}]}"#,
        #"{"keys": [{"use": "jwt-svid", "kty": "EC", "kid": "a"}, {"use": "jwt-svid", "kty": "EC", "kid": "a"}]}"#,
    ])
    func `a document that is wrong anywhere it counts is refused as a whole`(text: String) {
        #expect(throws: SPIFFEBundleError.self) { try self.read(text) }
    }

    @Test func `what is no authority, or another domain's, is refused`() throws {
        let bad: [[UInt8]] = [
            try self.root { $0.constraints = .notCertificateAuthority },
            try self.root { $0.constraints = nil },
            try self.root { $0.usage = KeyUsage(digitalSignature: true) },
            try self.root { $0.names = [.uniformResourceIdentifier("spiffe://other.example")] },
            try self.root { $0.names = [.uniformResourceIdentifier("spiffe://mesh.local/ns/x")] },
            try self.root() + [0],
        ]
        for der in bad {
            #expect(throws: SPIFFEBundleError.self) { try self.read(#"{"keys": [\#(self.entry(der))]}"#) }
        }
        let named = try self.root { $0.names = [.uniformResourceIdentifier("spiffe://mesh.local")] }
        #expect(try self.read(#"{"keys": [\#(self.entry(named))]}"#).roots == [named])
    }

    @Test func `parameters that are not the certificate's are refused`() throws {
        let text = self.entry(try self.root(), more: #", "crv": "P-256", "x": "AAAA""#)
        #expect(throws: SPIFFEBundleError.self) { try self.read(#"{"keys": [\#(text)]}"#) }
    }

    @Test func `sizes are bounded`() throws {
        #expect(throws: SPIFFEBundleError.self) {
            try SPIFFEBundleDocument(
                [UInt8](repeating: 0x20, count: SPIFFEBundleDocument.maxBytes + 1), of: self.domain)
        }
        let many = Array(repeating: #"{"kty": "EC"}"#, count: SPIFFEBundleDocument.maxKeys + 1)
        #expect(throws: SPIFFEBundleError.self) { try self.read(#"{"keys": [\#(many.joined(separator: ","))]}"#) }
        let deep = String(repeating: "[", count: 10_000)
        #expect(throws: SPIFFEBundleError.self) { try self.read(#"{"keys": \#(deep)"#) }
        #expect(try self.read(#"{"keys": [], "spiffe_refresh_hint": 0}"#).refresh == .seconds(10))
        #expect(try self.read(#"{"keys": [], "spiffe_refresh_hint": 99999999999}"#).refresh == .seconds(86_400))
        #expect(try self.read(#"{"keys": []}"#).refresh == .seconds(300))
    }

    @Test func `a document cut or changed at any byte is read or refused, never worse`() throws {
        let bytes = try SPIFFEBundleDocument(roots: [try self.root()], sequence: 1).encoded()
        for end in 0..<bytes.count {
            #expect(throws: SPIFFEBundleError.self) {
                try SPIFFEBundleDocument(Array(bytes[..<end]), of: self.domain)
            }
        }
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            var changed = bytes
            changed[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: .min ... .max, using: &random)
            _ = try? SPIFFEBundleDocument(changed, of: self.domain)
        }
    }
}

@Suite struct StrictJSONTests {
    @Test(arguments: [
        "{\"a\":1,\"a\":2}", "[1,]", "[01]", "[1.]", "[+1]", "\"\u{1}\"", "\"\\x\"", "\"\\ud800\"",
        "\"\\ud800\\u0041\"",
        "\"abc", "tru", "nul", "{a:1}", "{\"a\" 1}", "[1 2]", "1 1", "", "\u{feff}1", "[\"\\u12\"]", "-", "1e",
    ])
    func `what RFC 8259 does not allow is refused`(text: String) {
        #expect(throws: StrictJSON.Failure.self) { try StrictJSON(Array(text.utf8)) }
    }

    @Test func `values read as they are written`() throws {
        let text = #" {"a": [null, true, false, -1.5e+3, 0, "x\"\\\/\b\f\n\r\té😀"], "b": {}} "#
        let json = try StrictJSON(Array(text.utf8))
        #expect(json.object?["a"]?.list?.last == .text("x\"\\/\u{8}\u{c}\n\r\té😀"))
        #expect(json.object?["a"]?.list?[3] == .number("-1.5e+3"))
        #expect(try StrictJSON(Array(json.compact.utf8)) == json)
        #expect(throws: StrictJSON.Failure.self) { try StrictJSON([0x22, 0xff, 0x22]) }
    }
}
