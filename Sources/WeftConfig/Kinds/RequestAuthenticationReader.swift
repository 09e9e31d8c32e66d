internal import WeftModel

/// Reads `weft.dev/v1 RequestAuthentication`.
enum RequestAuthenticationReader {
    static func read(_ document: ObjectFields) -> RequestAuthentication? {
        let metadata = MetadataReader.read(document, nameIsLabel: false)
        guard let spec = document.spec(known: ["targetRefs", "rules"]) else { return nil }
        let fields = spec.required("rules", remedy: "Add `rules:` with an item of an issuer and its keys.")?
            .list(atLeast: 1, atMost: 16)
        let rules = fields?.compactMap(self.rule) ?? []
        guard let metadata, let fields, rules.count == fields.count,
            let targets = PolicyTargetReader.read(spec, namespace: metadata.namespace, routes: true)
        else { return nil }
        for (index, rule) in rules.enumerated() where rules[..<index].contains(where: { $0.issuer == rule.issuer }) {
            fields[index].refuse(
                "the issuer \(YAMLNode.shortened(rule.issuer)) stands here already",
                remedy: "Put its audiences and keys into one rule.")
        }
        return RequestAuthentication(metadata: metadata, targets: targets, rules: rules)
    }

    private static func rule(_ field: Field) -> TokenRule? {
        guard
            let object = field.object(known: [
                "issuer", "audiences", "jwks", "jwksFile", "jwksUri", "from", "forward", "required",
            ])
        else { return nil }
        let issuer = object.required("issuer", remedy: "Add the `iss` that its tokens carry.")?.text(atMost: 1024)
        let audiences = object["audiences"].map(self.audiences) ?? []
        let keys = self.keys(object)
        let locations = object["from"].map(self.locations) ?? [.bearer]
        let forward = object["forward"].map { $0.boolean() } ?? true
        let required = object["required"].map { $0.boolean() } ?? false
        guard let issuer, let audiences, let keys, let locations, let forward, let required else { return nil }
        return TokenRule(
            issuer: issuer, audiences: audiences, keys: keys, locations: locations, isForwarded: forward,
            isRequired: required)
    }

    /// An emptied list would take every audience, and is refused.
    private static func audiences(_ field: Field) -> [String]? {
        guard let fields = field.list(atLeast: 1, atMost: 16) else { return nil }
        var audiences: [String] = []
        for item in fields {
            guard let text = item.text(atMost: 1024) else { return nil }
            if audiences.contains(text) { item.refuse("\(text) stands here already", remedy: "Remove it.") }
            audiences.append(text)
        }
        return audiences
    }

    // MARK: Keys

    private static func keys(_ object: ObjectFields) -> TokenKeys? {
        let given = ["jwks", "jwksFile", "jwksUri"].compactMap { name in object[name].map { (name, $0) } }
        guard let (name, field) = given.first, given.count == 1 else {
            object.field.refuse(
                given.isEmpty ? "the issuer has no keys" : "the issuer's keys are in several places",
                remedy: "Write one of jwks (the key set itself), jwksFile (a path on the control plane's machine) and "
                    + "jwksUri (where it is fetched).")
            return nil
        }
        switch name {
        case "jwks":
            guard let text = field.text(atMost: KeySetText.maxBytes) else { return nil }
            if let problem = KeySetText.problem(in: text) {
                field.refuse(
                    "this is no set of public keys: \(problem)", remedy: "Write the issuer's JWKS as JSON text.")
                return nil
            }
            return .inline(text)
        case "jwksFile":
            guard let text = field.text(atMost: 1024) else { return nil }
            guard text.hasPrefix("/"), !text.utf8.contains(0) else {
                field.refuse(
                    "\"\(YAMLNode.shortened(text))\" depends on where the control plane was started",
                    remedy: "Write the whole path, from /, on the control plane's machine.")
                return nil
            }
            return .file(text)
        default: return self.url(field)
        }
    }

    private static func url(_ field: Field) -> TokenKeys? {
        guard let text = field.text(atMost: 2048) else { return nil }
        let parts = text.split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false)
        let rest = parts.count == 2 ? parts[1] : ""
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let isPlain = text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        guard isPlain, !authority.isEmpty, parts.first == "https" || parts.first == "http", !text.contains("#"),
            !authority.contains("@")
        else {
            field.refuse(
                "\"\(YAMLNode.shortened(AddressText.redacted(text)))\" is no address of a key set",
                remedy: "Write https://, a host and a path, without user names.")
            return nil
        }
        if parts.first == "http", !self.isLoopback(authority) {
            field.refuse(
                "keys that come in the clear are anybody's keys",
                remedy: "Write https://; http:// is for the control plane's own machine alone.")
            return nil
        }
        return .url(text)
    }

    private static func isLoopback(_ authority: Substring) -> Bool {
        if authority.hasPrefix("[") { return authority.prefix { $0 != "]" } == "[::1" }
        let host = authority.prefix { $0 != ":" }
        return host == "localhost" || NetworkPrefix.address(String(host))?.first == 127
    }

    // MARK: Locations

    private static func locations(_ field: Field) -> [TokenLocation]? {
        guard let fields = field.list(atLeast: 1, atMost: 8) else { return nil }
        var locations: [TokenLocation] = []
        for item in fields {
            guard let location = self.location(item) else { return nil }
            if locations.contains(location) { item.refuse("this stands here already", remedy: "Remove it.") }
            locations.append(location)
        }
        return locations
    }

    private static func location(_ field: Field) -> TokenLocation? {
        if case .text("bearer") = field.node.value { return .bearer }
        guard case .object = field.node.value else {
            field.refuse(
                "\(field.node.phrase) is no place for a token",
                remedy: "Write bearer, or an object of a header and the prefix before the token.")
            return nil
        }
        guard let object = field.object(known: ["header", "prefix"]) else { return nil }
        let name = object.required("header", remedy: "Add the header's name.").flatMap(PatternReader.header)
        let prefix = object["prefix"].map { $0.anyText(atMost: 256) } ?? ""
        guard let name, let prefix else { return nil }
        return .header(name: name, prefix: prefix)
    }
}
