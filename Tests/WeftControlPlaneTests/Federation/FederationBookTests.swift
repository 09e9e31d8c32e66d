import Crypto
import Foundation
import Testing
import WeftIdentity
import WeftModel

@testable import WeftControlPlane

@Suite struct FederationBookTests {
    private let partner = TrustDomain("partner.example") ?? .standard

    private func roots() throws -> [[UInt8]] {
        var random = SystemRandomNumberGenerator()
        return try CertificateAuthority(trustDomain: self.partner, now: Date(), random: &random).bundle
    }

    private func document(_ roots: [[UInt8]], sequence: UInt64? = 1, hint: Int = 100) throws -> [UInt8] {
        try SPIFFEBundleDocument(roots: roots, sequence: sequence, refreshHint: hint).encoded()
    }

    private func federation(bundle: String? = nil, port: Int = 443) throws -> TrustDomainFederation {
        TrustDomainFederation(
            metadata: Metadata(name: "partner"), trustDomain: self.partner,
            endpoint: BundleEndpoint(
                url: try #require(HTTPSAddress("https://partner.example:\(port)/")), profile: .web),
            bundle: bundle)
    }

    private func book() -> FederationBook { FederationBook(ownDomain: .standard) }

    @Test func `a new federation is fetched at once, then within its hint, and what it brings is believed and kept`()
        throws
    {
        var book = self.book()
        book.configure([try self.federation()], saved: { _ in nil }, now: 1000)
        #expect(book.bundles.isEmpty)
        let poll = try #require(book.polls(now: 1000).first)
        #expect(book.polls(now: 1000).isEmpty)
        let roots = try self.roots()
        let saved = book.fetched(poll, .success(try self.document(roots)), now: 1001, chance: 0)
        #expect(book.bundles == [self.partner: roots])
        #expect(saved != nil)
        #expect(book.nextDue == 1101)
        let again = try #require(book.polls(now: 1101).first)
        #expect(book.fetched(again, .success(try self.document(roots)), now: 1101, chance: 1) == nil)
        #expect(book.nextDue == 1191)
    }

    @Test func `keys for tokens are kept with the roots, follow every change, and those of no use are told`() throws {
        var book = self.book()
        book.configure([try self.federation()], saved: { _ in nil }, now: 0)
        let roots = try self.roots()
        func fetch(_ entries: [String], now: Int64) throws -> FederationBook.Saved? {
            let keys = try entries.map { try StrictJSON(Array($0.utf8)) }
            let named = Dictionary(
                keys.compactMap { key in (key.object?["kid"]?.text).map { ($0, key) } }, uniquingKeysWith: { $1 })
            let bytes = try SPIFFEBundleDocument(roots: roots, jwtKeys: named, sequence: 1).encoded()
            let poll = try #require(book.polls(now: now).first)
            return book.fetched(poll, .success(bytes), now: now, chance: 0)
        }
        let (one, two) = (P256.Signing.PrivateKey().publicKey, P256.Signing.PrivateKey().publicKey)
        let first = try fetch([JWTSVIDSigner.jsonWebKey(one).text], now: 0)
        #expect(
            try JSONWebKeySet(try #require(book.keySets[self.partner])).keys.map(\.id) == [JWTSVIDSigner.keyID(of: one)]
        )
        #expect(book.bundles == [self.partner: roots])
        let second = try fetch(
            [JWTSVIDSigner.jsonWebKey(two).text, #"{"use": "jwt-svid", "kty": "oct", "kid": "odd"}"#], now: 10_000)
        #expect(
            try JSONWebKeySet(try #require(book.keySets[self.partner])).keys.map(\.id) == [JWTSVIDSigner.keyID(of: two)]
        )
        #expect(
            book.problems.first?.message.hasPrefix("a key for tokens of partner.example was left out") == true)
        #expect(first != nil && second != nil && first != second)
        // What was kept has them after a restart.
        var after = self.book()
        after.configure([try self.federation()], saved: { _ in second }, now: 0)
        #expect(after.keySets == book.keySets)
        book.configure([], saved: { _ in nil }, now: 10_000)
        #expect(book.keySets.isEmpty && book.problems.isEmpty)
    }

    @Test func `deleting the resource withdraws at once, and a late answer does not bring it back`() throws {
        var book = self.book()
        book.configure([try self.federation()], saved: { _ in nil }, now: 0)
        let poll = try #require(book.polls(now: 0).first)
        _ = book.fetched(poll, .success(try self.document(try self.roots())), now: 0, chance: 0)
        let late = try #require(book.polls(now: 1000).first)
        book.configure([], saved: { _ in nil }, now: 1000)
        #expect(book.bundles.isEmpty)
        #expect(book.fetched(late, .success(try self.document(try self.roots())), now: 1001, chance: 0) == nil)
        #expect(book.bundles.isEmpty)
    }

    @Test func `failures keep the last bundle, are told, and are retried with growing waits`() throws {
        var book = self.book()
        let roots = try self.roots()
        let bundle = String(decoding: try self.document(roots), as: UTF8.self)
        book.configure([try self.federation(bundle: bundle)], saved: { _ in nil }, now: 0)
        #expect(book.bundles == [self.partner: roots])
        var waits: [Int64] = []
        var now: Int64 = 0
        for _ in 0..<6 {
            let poll = try #require(book.polls(now: now).first)
            #expect(poll.roots == roots)
            _ = book.fetched(poll, .failure(FederationFetchError(description: "it answered 500")), now: now, chance: 0)
            let due = try #require(book.nextDue)
            waits.append(due - now)
            now = due
        }
        #expect(waits == [10, 20, 40, 80, 100, 100])
        #expect(book.bundles == [self.partner: roots])
        #expect(book.problems.first?.message.contains("it answered 500") == true)
    }

    @Test func `an older sequence is not taken, nor a document that is wrong`() throws {
        var book = self.book()
        let roots = try self.roots()
        book.configure([try self.federation()], saved: { _ in nil }, now: 0)
        for (bytes, isGood) in [
            (try self.document(roots, sequence: 5), true), (try self.document(try self.roots(), sequence: 4), false),
            (Array("{}".utf8), false), (try self.document(roots, sequence: 6), true),
        ] {
            let poll = try #require(book.polls(now: .max / 2).first)
            _ = book.fetched(poll, .success(bytes), now: 0, chance: 0)
            #expect(book.bundles == [self.partner: roots])
            #expect(book.problems.isEmpty == isGood)
        }
    }

    @Test func `what was kept is believed after a restart, unless the resource names another bundle`() throws {
        let roots = try self.roots()
        let kept = FederationBook.Saved(
            seed: nil, document: String(decoding: try self.document(roots), as: UTF8.self), fetchedAt: 1)
        var book = self.book()
        book.configure([try self.federation()], saved: { _ in kept }, now: 0)
        #expect(book.bundles == [self.partner: roots])
        let others = try self.roots()
        let bundle = String(decoding: try self.document(others), as: UTF8.self)
        book.configure([try self.federation(bundle: bundle)], saved: { _ in kept }, now: 0)
        #expect(book.bundles == [self.partner: others])
    }

    @Test func `the own domain, two for one domain, and a bundle that cannot be read are refused when applied`() throws
    {
        var own = try self.federation()
        own.trustDomain = .standard
        var second = try self.federation(bundle: "nonsense")
        second.metadata.name = "second"
        let findings = FederationBook.lint(
            [.trustDomainFederation(own), .trustDomainFederation(second)], ownDomain: .standard)
        #expect(Set(findings.compactMap(\.field)) == ["spec.trustDomain", "spec.bundle"])
        let twice = FederationBook.lint(
            [.trustDomainFederation(try self.federation()), .trustDomainFederation(second)], ownDomain: .standard)
        #expect(twice.contains { $0.message.contains("already") })
        #expect(findings.allSatisfy { $0.severity == .error })
    }
}
