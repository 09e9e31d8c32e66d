internal import WeftModel

/// Reads the small languages of authorization rules: texts with a star, identities, paths, networks, claims.
enum PatternReader {
    /// A text with a star at its beginning, its end or nowhere.
    static func text(_ field: Field) -> TextPattern? {
        guard let text = field.text(atMost: 1024) else { return nil }
        guard let pattern = self.split(text, field) else { return nil }
        return pattern
    }

    private static func split(_ text: String, _ field: Field) -> TextPattern? {
        if text == "*" { return .any }
        let stars = text.utf8.count { $0 == UInt8(ascii: "*") }
        if stars == 0 { return .exact(text) }
        if stars == 1, text.hasSuffix("*") { return .prefix(String(text.dropLast())) }
        if stars == 1, text.hasPrefix("*") { return .suffix(String(text.dropFirst())) }
        field.refuse(
            "a star stands at the beginning or at the end of \"\(YAMLNode.shortened(text))\", and once",
            remedy: "Write one such as gold*, *gold or *, or list the texts.")
        return nil
    }

    // MARK: Identities

    static func identity(_ field: Field) -> IdentityPattern? {
        guard let text = field.text(atMost: 2048), let pattern = self.split(text, field) else { return nil }
        switch pattern {
        case .any: return .any
        case .exact(let exact):
            if let id = SPIFFEID(exact) { return .exact(id) }
        case .prefix(let prefix):
            // With less than the whole trust domain it would take in the domains of strangers.
            if SPIFFEID(prefix + "x") != nil, prefix.dropFirst("spiffe://".count).contains("/") {
                return .prefix(prefix)
            }
        case .suffix(let suffix):
            if SPIFFEID("spiffe://x/x\(suffix)") != nil { return .suffix(suffix) }
        }
        field.refuse(
            "\"\(YAMLNode.shortened(text))\" is no identity",
            remedy:
                "Write a SPIFFE ID such as spiffe://mesh.local/ns/default/sa/billing, the beginning of one as far as "
                + "spiffe://mesh.local/* at least, the end of one such as */sa/billing, or *.")
        return nil
    }

    // MARK: Networks

    static func network(_ field: Field) -> NetworkPrefix? {
        guard let text = field.text(atMost: 64) else { return nil }
        guard let network = NetworkPrefix(text) else {
            field.refuse(
                "\"\(YAMLNode.shortened(text))\" is no network", remedy: "Write one such as 10.0.0.0/8 or fd00::/8.")
            return nil
        }
        let address = text.split(separator: "/", maxSplits: 1).first.flatMap { NetworkPrefix.address(String($0)) }
        guard address == network.bytes else {
            field.refuse("\(text) names an address inside of the network", remedy: "Write \(network).")
            return nil
        }
        if network.bytes.count == 16, network.bits >= 96, network.bytes.starts(with: Self.mapped) {
            field.refuse(
                "\(text) is an IPv4 network in IPv6's clothes",
                remedy: "Write it as IPv4: both spellings of a caller's address match that.")
            return nil
        }
        return network
    }

    private static let mapped: [UInt8] = [UInt8](repeating: 0, count: 10) + [0xff, 0xff]

    // MARK: Paths

    static func path(_ field: Field) -> TextPattern? {
        guard let text = field.text(atMost: 1024), let pattern = self.split(text, field) else { return nil }
        let complete: (path: String, before: String, after: String)
        switch pattern {
        case .any: return pattern
        case .exact(let path): complete = (path, "", "")
        case .prefix(let path): complete = (path + "x", "", "x")
        case .suffix(let path): complete = ("/x" + path, "/x", "")
        }
        if let complaint = self.complaint(about: complete.path) {
            field.refuse(
                "the path \"\(YAMLNode.shortened(text))\" \(complaint)",
                remedy: "Write a path such as /v1/users, /v1/* or *.json.")
            return nil
        }
        guard let normal = PathNormalization.normalized(complete.path) else {
            field.refuse(
                "the path \"\(YAMLNode.shortened(text))\" cannot be brought into one form, so no request has it",
                remedy: "Write it without backslashes and with whole escapes.")
            return nil
        }
        guard normal == complete.path else {
            var shown = normal
            if normal.hasPrefix(complete.before), normal.hasSuffix(complete.after) {
                shown = String(normal.dropFirst(complete.before.count).dropLast(complete.after.count))
                if case .prefix = pattern { shown += "*" }
                if case .suffix = pattern { shown = "*" + shown }
            }
            field.refuse(
                "requests are judged by their normalized path, which is never \"\(YAMLNode.shortened(text))\"",
                remedy: "Write \(shown).")
            return nil
        }
        return pattern
    }

    private static func complaint(about path: String) -> String? {
        if !path.hasPrefix("/") { return "does not start with /" }
        if path.contains("#") || path.contains("?") { return "holds a # or ?, which is no part of a path" }
        if path.utf8.contains(where: { $0 <= 0x20 || $0 >= 0x7F }) {
            return "holds a space, control or non-ASCII character, which requests carry escaped"
        }
        return nil
    }

    // MARK: Headers and claims

    /// In lower case.
    static func header(_ field: Field) -> String? {
        guard let text = field.text(atMost: 256) else { return nil }
        let name = text.lowercased()
        guard NameRules.isToken(name) else {
            field.refuse(
                "\"\(YAMLNode.shortened(text))\" is no header name",
                remedy: "Write a name such as x-tenant; methods and paths go into `to`.")
            return nil
        }
        switch name {
        case "x-weft-peer", "x-forwarded-client-cert":
            field.refuse(
                "\(name) is written by the proxy itself from what the caller proved", remedy: "Write from: identities.")
            return nil
        case _ where name.hasPrefix("x-weft-"):
            field.refuse("\(name) is the proxies' own", remedy: "Judge by another header.")
            return nil
        case "host":
            field.refuse(
                "every caller writes host as it likes, and HTTP/2 has none", remedy: "Name the Service as target.")
            return nil
        default: return name
        }
    }

    /// The names on the way to a claim: a text split at its dots, or a list.
    static func claim(_ field: Field) -> [String]? {
        let names: [String]
        if case .list = field.node.value {
            guard let fields = field.list(atLeast: 1, atMost: 8) else { return nil }
            names = fields.compactMap { $0.text(atMost: 256) }
            return names.count == fields.count ? names : nil
        }
        guard let text = field.text(atMost: 1024) else { return nil }
        names = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard !names.contains(""), names.count <= 8, names.count == 1 || !text.contains("/") else {
            field.refuse(
                "\"\(YAMLNode.shortened(text))\" is no way to a claim: dots part at most 8 names, one for each level",
                remedy: "Write realm.roles, or a list of the names where one has dots of its own.")
            return nil
        }
        return names
    }
}
