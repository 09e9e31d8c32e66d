internal import WeftModel

/// Looks at the text of a JSON Web Key Set before it is stored and shown. Source: RFC 7517.
package enum KeySetText {
    package static let maxBytes = 64 << 10

    /// Why the text is no set of public keys; nil where it is one.
    package static func problem(in text: String) -> String? {
        guard text.utf8.count <= self.maxBytes else {
            return "it has \(text.utf8.count) bytes; at most \(self.maxBytes) are read"
        }
        let trimmed = text.drop { $0.isWhitespace }
        guard trimmed.first == "{" else { return "it is no JSON object" }
        let (documents, diagnostics) = YAMLReader().read(SourceDocument(file: "", text: text))
        if let problem = diagnostics.first(where: { $0.severity == .error }) { return problem.message }
        guard documents.count == 1, case .object(let entries)? = documents.first?.value,
            case .list(let keys)? = entries.first(where: { $0.key == "keys" })?.value.value
        else { return "it has no list `keys`" }
        guard !keys.isEmpty else { return "its list of keys is empty" }
        guard keys.count <= 64 else { return "it has \(keys.count) keys; at most 64 are read" }
        for (index, key) in keys.enumerated() {
            guard case .object(let members) = key.value,
                case .text(let kind)? = members.first(where: { $0.key == "kty" })?.value.value
            else { return "keys[\(index)] has no `kty`" }
            let isPrivate = members.contains { $0.key == "d" }
            if kind == "oct" || isPrivate { return "keys[\(index)] is a secret, which no proxy may be told" }
        }
        return nil
    }
}
