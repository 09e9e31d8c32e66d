internal import Foundation

/// DER as PEM (RFC 7468).
package enum PEMText {
    package static func encode(_ der: [UInt8], as label: String) -> String {
        let text = Data(der).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
        return "-----BEGIN \(label)-----\n\(text)\n-----END \(label)-----\n"
    }
}
