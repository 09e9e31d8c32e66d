/// What is left out of everything that is written down about requests: names of header fields and of query parameters
/// whose values are secrets.
///
/// Names are compared without case. Of parameters, what applications take for the same name counts too: escapes undone, a
/// member of a list or an object (`token[]`, `user[password]`), and characters around or within that nobody sees.
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
        guard self.mayHaveSecrets(path),
            let mark = path.utf8.firstIndex(where: { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") })
        else { return path }
        let start = path.utf8.index(after: mark)
        guard let query = self.query(path[start...]) else { return path }
        return path[..<start] + query
    }

    /// False only where no parameter's name is as long as that of a secret one.
    private func mayHaveSecrets(_ path: String) -> Bool {
        let found = path.utf8.withContiguousStorageIfAvailable { bytes in
            guard var start = bytes.firstIndex(where: { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") }) else {
                return false
            }
            start += 1
            var isName = true
            var index = start
            while index < bytes.count {
                switch bytes[index] {
                case UInt8(ascii: "&"), UInt8(ascii: ";"), UInt8(ascii: "#"):
                    start = index + 1
                    isName = true
                case UInt8(ascii: "=") where isName:
                    if self.sizes & (1 << UInt64(min(index - start, 63))) != 0 { return true }
                    isName = false
                case let byte where isName && Self.mayHide(byte): return true
                default: break
                }
                index += 1
            }
            return false
        }
        return found ?? true
    }

    /// An escape, what is not part of the name proper, or a letter that has another in lower case of another length.
    private static func mayHide(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "%"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "+"), ...0x20, 0x7f...: true
        default: false
        }
    }

    /// Nil where nothing had to be replaced.
    private func query(_ query: Substring) -> String? {
        var isChanged = false
        var result = ""
        var rest = query
        while true {
            // Both are read as separators by somebody.
            let end =
                rest.utf8.firstIndex {
                    $0 == UInt8(ascii: "&") || $0 == UInt8(ascii: ";") || $0 == UInt8(ascii: "#")
                } ?? rest.endIndex
            let parameter = rest[..<end]
            if let equals = parameter.utf8.firstIndex(of: UInt8(ascii: "=")),
                self.isSecret(parameter[..<equals])
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

    /// Whether applications may take a parameter's name for one of the secret ones.
    private func isSecret(_ name: Substring) -> Bool {
        let bytes = Self.decoded(name)
        // A name ends at NUL for some, and has none for others.
        let parts = bytes.split { $0 == UInt8(ascii: "[") || $0 == UInt8(ascii: "]") || $0 == 0 }
        return parts.contains { self.isListed($0) } || self.isListed(bytes[...])
    }

    private func isListed(_ name: ArraySlice<UInt8>) -> Bool {
        let seen = name.filter { $0 > 0x20 && $0 != 0x7f && $0 != UInt8(ascii: "+") }
        return self.parameters.contains(String(decoding: seen, as: UTF8.self).lowercased())
    }

    /// A name with its escapes undone.
    private static func decoded(_ name: Substring) -> [UInt8] {
        guard name.utf8.contains(UInt8(ascii: "%")) else { return Array(name.utf8) }
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
        return bytes
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
        return switch name {
        case "referer", "referrer", "origin", "location", "x-original-url": self.address(value)
        default: value
        }
    }

    /// An address carries the same parameters as paths, and may have a name and password before its host.
    private func address(_ address: String) -> String {
        let kept = self.path(address)
        guard let slashes = kept.firstRange(of: "//") else { return kept }
        let rest = kept[slashes.upperBound...]
        let end = rest.utf8.firstIndex { "/?#\\".utf8.contains($0) } ?? rest.endIndex
        return "\(kept[..<slashes.upperBound])\(self.authority(String(rest[..<end])))\(rest[end...])"
    }
}
