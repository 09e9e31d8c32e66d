/// Writes addresses for people and logs: without what may be a secret in them.
package enum AddressText {
    /// The address without its user's name and password and without the values of its query; also of what only looks like
    /// an address, for mistakes are quoted too.
    package static func redacted(_ text: String) -> String {
        let marks: [Character] = ["/", "?", "#"]
        let scheme = text.firstRange(of: "://").map { text[..<$0.upperBound] } ?? text[..<text.startIndex]
        let rest = text[scheme.endIndex...]
        let authority = rest.prefix { !marks.contains($0) }
        let host = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority[...]
        var redacted = String(scheme) + (host.count < authority.count ? "…@" : "") + String(host)
        let tail = rest[authority.endIndex...]
        let path = tail.prefix { $0 != "?" && $0 != "#" }
        redacted += String(path)
        let query = tail[path.endIndex...]
        guard let mark = query.first else { return redacted }
        redacted.append(mark)
        return redacted
            + query.dropFirst().split(separator: "&", omittingEmptySubsequences: false).map { pair in
                pair.firstIndex(of: "=").map { "\(pair[..<$0])=…" } ?? (pair.isEmpty ? "" : "…")
            }.joined(separator: "&")
    }
}
