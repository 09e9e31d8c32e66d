internal import Crypto
internal import FoundationEssentials
internal import SwiftASN1
package import WeftModel
internal import X509

/// A trust domain's bundle as domains exchange it: a JSON Web Key Set.
///
/// Source: SPIFFE Trust Domain and Bundle §4; `x509-svid` entries carry the roots in `x5c`. A bundle does not say whose
/// it is. Reading ignores entries of unknown use, as the specification asks, and refuses the whole document where an
/// entry that counts is wrong: half a bundle would distrust silently. A key for JWT-SVIDs that is of no use here is left
/// out, and told: it would keep nobody's certificates from being believed.
package struct SPIFFEBundleDocument: Hashable, Sendable {
    /// DER of the roots, without repeats, in the document's order.
    package var roots: [[UInt8]]
    /// Keys for JWT-SVIDs, as JSON objects by their `kid`.
    package var jwtKeys: [String: StrictJSON]
    /// Why keys for JWT-SVIDs were left out, sorted by the key's place; empty where none was.
    package private(set) var unusableKeys: [String] = []
    /// Grows with every change of content; nil where the document names none.
    package var sequence: UInt64?
    /// How soon to look again, seconds; nil where the document says nothing.
    package var refreshHint: Int?

    package init(
        roots: [[UInt8]], jwtKeys: [String: StrictJSON] = [:], sequence: UInt64? = nil, refreshHint: Int? = nil
    ) {
        self.roots = roots
        self.jwtKeys = jwtKeys
        self.sequence = sequence
        self.refreshHint = refreshHint
    }

    /// The most bytes of a document.
    package static let maxBytes = 1 << 20
    /// The most roots of a document: more than any proxy is told of one trust domain would not be of use.
    package static let maxRoots = 16
    /// The most keys for JWT-SVIDs that are taken of a document; those beyond are left out.
    package static let maxJWTKeys = 32
    /// The most entries of a document.
    package static let maxKeys = 1000

    /// How soon to fetch again: the hint within 10 s and a day, 5 min without one.
    package var refresh: Duration { .seconds(min(86_400, max(10, self.refreshHint ?? 300))) }

    // MARK: Reading

    /// Reads the bundle of `domain`.
    package init(_ bytes: [UInt8], of domain: TrustDomain) throws(SPIFFEBundleError) {
        guard bytes.count <= Self.maxBytes else { throw SPIFFEBundleError("it is larger than \(Self.maxBytes) bytes") }
        let json: StrictJSON
        do throws(StrictJSON.Failure) { json = try StrictJSON(bytes) } catch {
            throw SPIFFEBundleError("it is no JSON: \(error)")
        }
        guard let fields = json.object else { throw SPIFFEBundleError("it is no JSON object") }
        guard let keys = fields["keys"]?.list else { throw SPIFFEBundleError("it has no list `keys`") }
        guard keys.count <= Self.maxKeys else {
            throw SPIFFEBundleError("it has \(keys.count) keys, more than \(Self.maxKeys)")
        }
        self.init(roots: [])
        if let sequence = fields["spiffe_sequence"], sequence != .null {
            guard case .number(let text) = sequence, let number = UInt64(text) else {
                throw SPIFFEBundleError("spiffe_sequence is no whole number from 0 on")
            }
            self.sequence = number
        }
        if let hint = fields["spiffe_refresh_hint"], hint != .null {
            guard let seconds = hint.integer, seconds >= 0 else {
                throw SPIFFEBundleError("spiffe_refresh_hint is no whole number of seconds")
            }
            self.refreshHint = Int(clamping: seconds)
        }
        var unusable: Set<String> = []
        for (index, entry) in keys.enumerated() {
            guard let key = entry.object else { throw SPIFFEBundleError("keys[\(index)] is no JSON object") }
            switch key["use"]?.text {
            case "x509-svid"?:
                guard key["kty"]?.text != nil else { throw SPIFFEBundleError("keys[\(index)] has no `kty`") }
                guard let chain = key["x5c"] else { continue }
                let der = try Self.certificate(chain, key: key, at: "keys[\(index)]", domain: domain)
                if !self.roots.contains(der) { self.roots.append(der) }
            case "jwt-svid"?:
                guard let kid = key["kid"]?.text, !kid.isEmpty else {
                    throw SPIFFEBundleError("keys[\(index)] is for JWT-SVIDs and has no `kid`")
                }
                guard self.jwtKeys[kid] == nil else {
                    throw SPIFFEBundleError("keys[\(index)]: the kid \"\(kid.prefix(64))\" stands twice")
                }
                self.jwtKeys[kid] = entry
                if let cause = self.refusal(of: entry) {
                    self.unusableKeys.append("keys[\(index)], \"\(kid.prefix(64))\": \(cause)")
                    unusable.insert(kid)
                }
            default: continue
            }
        }
        for kid in unusable { self.jwtKeys[kid] = nil }
        guard self.roots.count <= Self.maxRoots else {
            throw SPIFFEBundleError("it has \(self.roots.count) roots, more than \(Self.maxRoots)")
        }
    }

    /// Why a key for JWT-SVIDs verifies nothing here; nil where it does.
    private func refusal(of entry: StrictJSON) -> String? {
        guard self.jwtKeys.count - self.unusableKeys.count <= Self.maxJWTKeys else {
            return "at most \(Self.maxJWTKeys) are taken of one trust domain"
        }
        do {
            let set = try JSONWebKeySet(Self.keySet([entry]), requiresUse: true)
            return set.keys.isEmpty ? "its kind is not known here" : nil
        } catch { return "\(error)" }
    }

    /// The keys for JWT-SVIDs as a JSON Web Key Set, by their names; of each what is public and no more.
    package var jwtKeySet: String { Self.keySet(self.jwtKeys.sorted { $0.key < $1.key }.map(\.value)) }

    private static func keySet(_ keys: [StrictJSON]) -> String {
        let members: Set<String> = ["kty", "crv", "x", "y", "n", "e", "kid", "use", "alg", "key_ops"]
        let plain = keys.compactMap(\.object).map { key in StrictJSON.object(key.filter { members.contains($0.key) }) }
        return StrictJSON.object(["keys": .list(plain)]).compact
    }

    private static func certificate(
        _ chain: StrictJSON, key: [String: StrictJSON], at place: String, domain: TrustDomain
    ) throws(SPIFFEBundleError) -> [UInt8] {
        guard let text = chain.list?.first?.text, let data = Data(base64Encoded: text), !data.isEmpty else {
            throw SPIFFEBundleError("\(place).x5c holds no certificate in base64")
        }
        let der = [UInt8](data)
        let certificate: Certificate
        do { certificate = try Certificate(der: der) } catch {
            throw SPIFFEBundleError("\(place).x5c is no certificate: \(error)")
        }
        try Self.checkAuthority(certificate, at: place, domain: domain)
        if let parameters = Self.parameters(of: certificate) {
            for (name, value) in parameters where key[name] != nil && key[name]?.text != value {
                throw SPIFFEBundleError("\(place).\(name) is not that of the certificate's key")
            }
        }
        return der
    }

    /// What only an authority may be: allowed to sign certificates, and named for no other domain.
    private static func checkAuthority(
        _ certificate: Certificate, at place: String, domain: TrustDomain
    ) throws(SPIFFEBundleError) {
        do {
            guard case .isCertificateAuthority = try certificate.extensions.basicConstraints else {
                throw SPIFFEBundleError("\(place).x5c is no authority's certificate: it may not sign others")
            }
            if let usage = try certificate.extensions.keyUsage, !usage.keyCertSign {
                throw SPIFFEBundleError("\(place).x5c has a key that may not sign certificates")
            }
            for case .uniformResourceIdentifier(let uri) in try certificate.extensions.subjectAlternativeNames
                ?? SubjectAlternativeNames()
            {
                guard let id = SPIFFEID(uri), id.path.isEmpty, id.trustDomain == domain else {
                    throw SPIFFEBundleError(
                        "\(place).x5c is named \(uri.prefix(128)), which is not the trust domain \(domain)")
                }
            }
        } catch let error as SPIFFEBundleError {
            throw error
        } catch {
            throw SPIFFEBundleError("\(place).x5c has an extension that cannot be read: \(error)")
        }
    }

    // MARK: Writing

    /// The document; equal bundles give equal bytes. Throws for a root whose key is neither EC nor Ed25519.
    package func encoded() throws(SPIFFEBundleError) -> [UInt8] {
        var keys: [StrictJSON] = []
        for root in self.roots {
            let certificate: Certificate
            do { certificate = try Certificate(der: root) } catch {
                throw SPIFFEBundleError("a root is no certificate: \(error)")
            }
            guard let parameters = Self.parameters(of: certificate) else {
                throw SPIFFEBundleError("the root \(certificate.displayName) has a key that is neither EC nor Ed25519")
            }
            var entry = parameters.mapValues(StrictJSON.text)
            entry["use"] = .text("x509-svid")
            entry["x5c"] = .list([.text(Data(root).base64EncodedString())])
            keys.append(.object(entry))
        }
        keys += self.jwtKeys.sorted { $0.key < $1.key }.map(\.value)
        var fields: [String: StrictJSON] = ["keys": .list(keys)]
        if let sequence = self.sequence { fields["spiffe_sequence"] = .number("\(sequence)") }
        if let hint = self.refreshHint { fields["spiffe_refresh_hint"] = .number("\(hint)") }
        return Array(StrictJSON.object(fields).compact.utf8)
    }

    /// The JWK members of a certificate's key (RFC 7518, RFC 8037); nil for kinds that nothing here verifies.
    private static func parameters(of certificate: Certificate) -> [String: String]? {
        func curve(_ name: String, _ raw: Data) -> [String: String] {
            let half = raw.count / 2
            return [
                "kty": "EC", "crv": name, "x": Self.base64URL(raw.prefix(half)), "y": Self.base64URL(raw.suffix(half)),
            ]
        }
        let key = certificate.publicKey
        if let key = P256.Signing.PublicKey(key) { return curve("P-256", key.rawRepresentation) }
        if let key = P384.Signing.PublicKey(key) { return curve("P-384", key.rawRepresentation) }
        if let key = P521.Signing.PublicKey(key) { return curve("P-521", key.rawRepresentation) }
        if let key = Curve25519.Signing.PublicKey(key) {
            return ["kty": "OKP", "crv": "Ed25519", "x": Self.base64URL(key.rawRepresentation)]
        }
        return nil
    }

    private static func base64URL(_ data: Data) -> String {
        String(
            data.base64EncodedString().filter { $0 != "=" }.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 })
    }
}

/// Why a bundle document was refused.
package struct SPIFFEBundleError: Error, Hashable, Sendable, CustomStringConvertible {
    package let cause: String

    package init(_ cause: String) { self.cause = cause }

    package var description: String { self.cause }
}
