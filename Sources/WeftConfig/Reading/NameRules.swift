/// What names may look like.
package enum NameRules {
    /// A DNS label: 1–63 of a–z, 0–9 and `-`, beginning and ending with a letter or digit. Source: RFC 1123.
    package static func isLabel(_ text: some StringProtocol) -> Bool {
        let bytes = Array(text.utf8)
        guard bytes.count <= 63, let first = bytes.first, let last = bytes.last else { return false }
        return self.isLowerAlphanumeric(first) && self.isLowerAlphanumeric(last)
            && bytes.allSatisfy { self.isLowerAlphanumeric($0) || $0 == UInt8(ascii: "-") }
    }

    /// DNS labels joined by dots, at most 253 bytes.
    package static func isSubdomain(_ text: String) -> Bool {
        text.utf8.count <= 253
            && text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { self.isLabel($0) }
    }

    /// The name of a port: at most 15 of a–z, 0–9 and `-`, with a letter, `-` neither at an end nor twice. Source: RFC 6335.
    package static func isPortName(_ text: String) -> Bool {
        self.isLabel(text) && text.utf8.count <= 15 && !text.contains("--")
            && text.utf8.contains { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }
    }

    /// A label's key: an optional DNS prefix and `/`, then 1–63 of letters, digits, `-`, `_`, `.`.
    package static func isLabelKey(_ text: String) -> Bool {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2, !self.isSubdomain(String(parts[0])) { return false }
        return parts.last.map { !$0.isEmpty && self.isLabelText($0) } ?? false
    }

    /// A label's value: at most 63 letters, digits, `-`, `_`, `.`, beginning and ending with a letter or digit; may be
    /// empty.
    package static func isLabelText(_ text: some StringProtocol) -> Bool {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, let last = bytes.last else { return true }
        return bytes.count <= 63 && self.isAlphanumeric(first) && self.isAlphanumeric(last)
            && bytes.allSatisfy {
                self.isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".")
            }
    }

    /// A header's name. Source: RFC 9110 token.
    package static func isToken(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 256
            && text.utf8.allSatisfy { self.isAlphanumeric($0) || "!#$%&'*+-.^_`|~".utf8.contains($0) }
    }

    /// A header's value: no control characters but tab, no space at an end. Source: RFC 9110 field-value.
    package static func isFieldValue(_ text: String) -> Bool {
        text.utf8.allSatisfy { ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 }
            && text.first?.isWhitespace != true && text.last?.isWhitespace != true
    }

    private static func isLowerAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: false
        }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        self.isLowerAlphanumeric(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }
}

extension Field {
    /// A DNS label.
    package func label(_ what: String) -> String? {
        guard let text = self.text() else { return nil }
        guard NameRules.isLabel(text) else {
            self.refuse(
                "\"\(YAMLNode.shortened(text))\" is no \(what): it must be a DNS label",
                remedy:
                    "Use at most 63 lower-case letters, digits and `-`, beginning and ending with a letter or digit.")
            return nil
        }
        return text
    }

    /// DNS labels joined by dots.
    package func subdomain(_ what: String) -> String? {
        guard let text = self.text() else { return nil }
        guard NameRules.isSubdomain(text) else {
            self.refuse(
                "\"\(YAMLNode.shortened(text))\" is no \(what): it must be a DNS name",
                remedy: "Use lower-case letters, digits and `-`, in labels of at most 63 joined by dots.")
            return nil
        }
        return text
    }

    /// A port number.
    package func port() -> Int? { self.integer(in: 1...65535, "port") }

    /// A port's name.
    package func portName() -> String? {
        guard let text = self.text() else { return nil }
        guard NameRules.isPortName(text) else {
            self.refuse(
                "\"\(YAMLNode.shortened(text))\" is no port name",
                remedy: "Use at most 15 lower-case letters, digits and single `-`, with at least one letter.")
            return nil
        }
        return text
    }

    /// Labels: keys and values of the shape that selectors compare.
    package func labels() -> [String: String]? {
        guard let entries = self.entries() else { return nil }
        var labels: [String: String] = [:]
        for (key, field) in entries {
            guard NameRules.isLabelKey(key) else {
                field.refuse(
                    "\"\(YAMLNode.shortened(key))\" is no label name",
                    remedy: "Use at most 63 letters, digits, `-`, `_`, `.`, optionally after a DNS name and `/`.")
                continue
            }
            guard let value = field.anyText() else { continue }
            guard NameRules.isLabelText(value) else {
                field.refuse(
                    "\"\(YAMLNode.shortened(value))\" is no label value",
                    remedy: "Use at most 63 letters, digits, `-`, `_`, `.`; longer things belong into annotations.")
                continue
            }
            labels[key] = value
        }
        return labels
    }
}
