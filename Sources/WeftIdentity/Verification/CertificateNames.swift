internal import SwiftASN1
internal import X509

/// The names in a certificate of the world outside the mesh.
package enum CertificateNames {
    /// The DNS names among its subject alternative names; nil when it cannot be read or has none of any kind.
    package static func dns(ofDER der: [UInt8]) -> [String]? {
        guard let names = try? Certificate(derEncoded: der).extensions.subjectAlternativeNames else { return nil }
        return names.compactMap { name in
            if case .dnsName(let dns) = name { dns } else { nil }
        }
    }
}
