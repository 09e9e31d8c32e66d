internal import WeftIdentity
internal import WeftMessage
internal import WeftModel
internal import WeftTraffic

/// What one inbound port enforces, ready for use: built once, shared by all loops, never changed.
final class InboundGuard: Sendable {
    let authorization: Authorization
    let table: AuthorizationTable
    /// Nil where nobody's tokens are looked at.
    let tokens: InboundTokens?

    init(_ authorization: Authorization) {
        self.authorization = authorization
        self.table = AuthorizationTable(authorization)
        self.tokens = authorization.issuers.isEmpty ? nil : InboundTokens(authorization.issuers)
    }
}

/// Where requests to a port carry tokens, and who verifies them.
final class InboundTokens: Sendable {
    private let verifier: TokenVerifier
    private let scopes: [RequestScope]
    /// Some requests at least have to carry one.
    let isRequired: Bool
    /// Each place once, in the order of the issuers that name it, with those issuers.
    private let locations: [(location: TokenLocation, issuers: [Int])]

    init(_ issuers: [TokenIssuer]) {
        self.verifier = TokenVerifier(issuers: issuers)
        self.scopes = issuers.map { RequestScope($0.scope) }
        self.isRequired = issuers.contains { $0.isRequired }
        var locations: [(location: TokenLocation, issuers: [Int])] = []
        for (index, issuer) in issuers.enumerated() {
            for location in issuer.locations {
                if let known = locations.firstIndex(where: { $0.location == location }) {
                    locations[known].issuers.append(index)
                } else {
                    locations.append((location, [index]))
                }
            }
        }
        self.locations = locations
    }

    /// Proves the tokens of a request, and takes those away that its application is not to see.
    ///
    /// Every token that is where one of the applying issuers looks must be good, and must be one of theirs; the claims are
    /// those of the first in the order of the issuers. Fields that an application may take for such a one, by another name,
    /// are taken away. Nil where there is none and none is required. `now` in seconds since 1970.
    func read(_ head: inout RequestHead, _ cache: inout TokenCache, now: Int64) throws(TokenError) -> TokenClaims? {
        var first: TokenClaims?
        var removed: [Int] = []
        var isRequired = false
        let applying = self.scopes.map { $0.contains(head) }
        for (index, issuer) in self.verifier.issuers.enumerated() where applying[index] && issuer.isRequired {
            isRequired = true
        }
        for (location, issuers) in self.locations {
            let candidates = issuers.filter { applying[$0] }
            if candidates.isEmpty { continue }
            if case .header(let name, _) = location {
                Self.addAliases(of: name, in: head.headers, to: &removed)
                self.addUnread(in: name, of: head.headers, applying, to: &removed)
            }
            guard let (field, token) = try Self.token(at: location, in: head.headers) else { continue }
            let entry = try self.entry(of: token, candidates, &cache, now: now)
            if first == nil { first = entry.claims }
            if !self.verifier.issuers[entry.issuer].isForwarded { removed.append(field) }
        }
        if first == nil, isRequired { throw .missing }
        for field in Set(removed).sorted(by: >) { head.headers.remove(at: field) }
        return first
    }

    /// The fields of other names that differ in `_` for `-` only: CGI and what descends from it make one name of them.
    private static func addAliases(of name: String, in headers: HeaderBlock, to fields: inout [Int]) {
        let text = name.utf8
        func dash(_ byte: UInt8) -> UInt8 { byte == UInt8(ascii: "_") ? UInt8(ascii: "-") : byte }
        for index in 0..<headers.count where !headers.fields[index].name.isPseudo {
            let isAlias = headers.withName(at: index) { bytes in
                bytes.count == text.count && bytes.elementsEqual(text) { dash($0) == dash($1) }
                    && !bytes.elementsEqual(text)
            }
            if isAlias { fields.append(index) }
        }
    }

    /// What stands in a token's own field and was read as none, which an application might take for one all the same. Of
    /// `authorization` other schemes are left to it.
    private func addUnread(in name: String, of headers: HeaderBlock, _ applying: [Bool], to fields: inout [Int]) {
        guard name != "authorization" else { return }
        var next = headers.firstIndex(of: name)
        while let index = next {
            next = headers.firstIndex(of: name, from: index + 1)
            let value = headers.withValue(at: index) { Array($0) }
            let isRead = self.locations.contains { location, issuers in
                guard case .header(name, let prefix) = location, issuers.contains(where: { applying[$0] }) else {
                    return false
                }
                return Self.token(in: value, after: Array(prefix.utf8), isBearer: false) != nil
            }
            if !isRead { fields.append(index) }
        }
    }

    /// Whether tokens of this issuer are taken from such a request.
    func believes(_ issuer: String, of head: RequestHead) -> Bool {
        zip(self.verifier.issuers, self.scopes).contains { $0.issuer == issuer && $1.contains(head) }
    }

    private func entry(
        of token: [UInt8], _ candidates: [Int], _ cache: inout TokenCache, now: Int64
    ) throws(TokenError) -> TokenCache.Entry {
        guard token.count <= JSONWebToken.maxBytes else { throw .tooLarge(token.count) }
        let key = TokenCache.key(of: token)
        if let known = cache.entry(key, now: now), candidates.contains(known.issuer) { return known }
        let (claims, issuer) = try self.verifier.verify(token, by: candidates, now: now)
        let entry = TokenCache.Entry(claims: claims, issuer: issuer)
        cache.add(entry, key)
        return entry
    }

    /// The token at a location and its field's index; nil where there is none. Two in one place are refused: which of them the
    /// application would take, nobody knows.
    private static func token(
        at location: TokenLocation, in headers: HeaderBlock
    ) throws(TokenError) -> (field: Int, token: [UInt8])? {
        let name: String
        let prefix: [UInt8]
        switch location {
        case .bearer: (name, prefix) = ("authorization", Array("bearer".utf8))
        case .header(let header, let text): (name, prefix) = (header, Array(text.utf8))
        }
        var found: (field: Int, token: [UInt8])?
        var next = headers.firstIndex(of: name)
        while let index = next {
            next = headers.firstIndex(of: name, from: index + 1)
            let value = headers.withValue(at: index) { Array($0) }
            guard let rest = Self.token(in: value, after: prefix, isBearer: location == .bearer) else { continue }
            if found != nil { throw .malformed("there are two of them in the field \(name)") }
            found = (index, Array(rest.drop(while: Self.isSpace)))
        }
        return found
    }

    /// What stands behind a prefix, whose case and spaces are read as applications read them; nil where it does not begin so.
    private static func token(in value: [UInt8], after prefix: [UInt8], isBearer: Bool) -> ArraySlice<UInt8>? {
        var word = prefix[...]
        while word.last.map(Self.isSpace) == true { word.removeLast() }
        let isSpaced = isBearer || word.count < prefix.count
        guard value.count >= word.count, zip(value, word).allSatisfy({ Self.folded($0) == Self.folded($1) }) else {
            return nil
        }
        let rest = value.dropFirst(word.count)
        // A tab is no space, but to many an application.
        if isSpaced, rest.first.map(Self.isSpace) != true { return nil }
        return rest
    }

    /// In lower case, where it is a letter.
    private static func folded(_ byte: UInt8) -> UInt8 {
        byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
}
