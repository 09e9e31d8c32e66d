package import WeftModel
internal import X509

/// The roots of one trust domain.
package struct TrustBundle: Sendable {
    package let trustDomain: TrustDomain
    /// DER, in the order given.
    package let der: [[UInt8]]
    let roots: [Certificate]
    /// SHA-256 of each root, lower-case hex.
    package let fingerprints: [String]

    /// Reads the roots. An empty list is valid and trusts nobody. Throws `SVIDError.malformed`.
    package init(trustDomain: TrustDomain, der: [[UInt8]]) throws(SVIDError) {
        var roots: [Certificate] = []
        for bytes in der {
            do { roots.append(try Certificate(der: bytes)) } catch { throw .malformed("a root: \(error)") }
        }
        self.trustDomain = trustDomain
        self.der = der
        self.roots = roots
        self.fingerprints = der.map { certificateFingerprint($0) }
    }
}
