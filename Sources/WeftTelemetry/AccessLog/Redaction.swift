/// What is left out of everything that is written down about requests: names of header fields and of query parameters
/// whose values are secrets.
///
/// Names are compared without case, and parameters also where their name is percent-encoded.
package struct Redaction: Hashable, Sendable {
    /// What stands in a value's place.
    package static let mark = "[redacted]"

    package static let standardHeaders: Set<String> = [
        "authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "api-key", "x-auth-token",
        "x-amz-security-token", "x-csrf-token", "x-xsrf-token", "x-forwarded-client-cert",
    ]
    package static let standardParameters: Set<String> = [
        "access_token", "refresh_token", "id_token", "token", "auth", "authorization", "api_key", "apikey", "api-key",
        "key", "password", "passwd", "pwd", "secret", "client_secret", "session", "sessionid", "session_id", "sid",
        "jwt",
        "sig", "signature", "x-amz-signature", "x-amz-credential", "x-amz-security-token", "x-goog-signature",
        "x-goog-credential", "code", "assertion", "client_assertion", "saml", "samlresponse",
    ]

    /// In lower case.
    package let headers: Set<String>
    package let parameters: Set<String>
    /// Bit n is set where one of the parameters' names has n bytes; most that pass by are told apart by it.
    private let sizes: UInt64

    /// - Parameters: further names beside the standard ones.
    package init(headers: [String] = [], parameters: [String] = []) {
        self.headers = Self.standardHeaders.union(headers.map { $0.lowercased() })
        self.parameters = Self.standardParameters.union(parameters.map { $0.lowercased() })
        self.sizes = self.parameters.reduce(0) { $0 | 1 << UInt64(min($1.utf8.count, 63)) }
    }

    /// A path with its query, without the secrets in it.
    package func path(_ path: String) -> String {
        guard self.mayHaveSecrets(path), let mark = path.utf8.firstIndex(of: UInt8(ascii: "?")) else { return path }
        let start = path.utf8.index(after: mark)
        guard let query = self.query(path[start...]) else { return path }
        return path[..<start] + query
    }

    /// False only where no parameter's name is as long as that of a secret one.
    private func mayHaveSecrets(_ path: String) -> Bool {
        let found = path.utf8.withContiguousStorageIfAvailable { bytes in
            guard var start = bytes.firstIndex(of: UInt8(ascii: "?")) else { return false }
            start += 1
            var isName = true
            var index = start
            while index < bytes.count {
                switch bytes[index] {
                case UInt8(ascii: "&"), UInt8(ascii: ";"):
                    start = index + 1
                    isName = true
                // An escape, or a letter that has another in lower case of another length.
                case UInt8(ascii: "%") where isName: return true
                case 0x80... where isName: return true
                case UInt8(ascii: "=") where isName:
                    if self.sizes & (1 << UInt64(min(index - start, 63))) != 0 { return true }
                    isName = false
                default: break
                }
                index += 1
            }
            return false
        }
        return found ?? true
    }

    /// Nil where nothing had to be replaced.
    private func query(_ query: Substring) -> String? {
        var isChanged = false
        var result = ""
        var rest = query
        while true {
            // Both are read as separators by somebody.
            let end = rest.utf8.firstIndex { $0 == UInt8(ascii: "&") || $0 == UInt8(ascii: ";") } ?? rest.endIndex
            let parameter = rest[..<end]
            if let equals = parameter.utf8.firstIndex(of: UInt8(ascii: "=")),
                self.parameters.contains(Self.decoded(parameter[..<equals]))
            {
                isChanged = true
                result += parameter[...equals] + Self.mark
            } else {
                result += parameter
            }
            guard end < rest.endIndex else { break }
            result.unicodeScalars.append(rest.unicodeScalars[end])
            rest = rest[rest.utf8.index(after: end)...]
        }
        return isChanged ? result : nil
    }

    /// A name in lower case with its escapes undone.
    private static func decoded(_ name: Substring) -> String {
        guard name.utf8.contains(UInt8(ascii: "%")) else { return name.lowercased() }
        var bytes: [UInt8] = []
        var rest = Array(name.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self).lowercased()
    }

    /// An authority without the name and password that some write before the host.
    package func authority(_ authority: String) -> String {
        let hasName = authority.utf8.withContiguousStorageIfAvailable { $0.contains(UInt8(ascii: "@")) } ?? true
        guard hasName, let at = authority.utf8.lastIndex(of: UInt8(ascii: "@")) else { return authority }
        return Self.mark + authority[at...]
    }

    /// A header field's value as it may be shown; `name` in lower case.
    package func value(_ value: String, of name: String) -> String {
        if self.headers.contains(name) { return Self.mark }
        // Addresses carry the same parameters as paths.
        return name == "referer" || name == "location" || name == "x-original-url" ? self.path(value) : value
    }
}
