import WeftMessage
import WeftModel

/// What the words of `Authorization` say, one after another, without any index: slow, and nothing in common with the table.
struct ReferenceAuthorization {
    struct Caller {
        var identity: String?
        var address: [UInt8]
    }

    let authorization: Authorization

    enum Outcome: Hashable {
        case allowed, denied, noAllowMatched, defaultAllowed, defaultDenied

        var isAllowed: Bool { self == .allowed || self == .defaultAllowed }
    }

    // MARK: Requests

    func outcome(_ head: RequestHead, _ caller: Caller, _ claims: TokenClaims?) -> Outcome {
        self.outcome(of: self.authorization.policies.filter { !$0.isAudit }, head, caller, claims)
    }

    /// With one audited policy enforced besides.
    func outcome(enforcing place: Int, _ head: RequestHead, _ caller: Caller, _ claims: TokenClaims?) -> Outcome {
        let policies = self.authorization.policies.enumerated().filter { $0.offset == place || !$0.element.isAudit }
        return self.outcome(of: policies.map(\.element), head, caller, claims)
    }

    private func outcome(
        of policies: [AuthorizationRules], _ head: RequestHead, _ caller: Caller, _ claims: TokenClaims?
    ) -> Outcome {
        let applying = policies.filter { policy in
            policy.scope.isEmpty || policy.scope.contains { Self.matches($0, head, anyReading: true) }
        }
        func isMatched(_ policy: AuthorizationRules) -> Bool {
            policy.rules.contains { Self.matches($0, policy, head, caller, claims) }
        }
        if applying.contains(where: { $0.action == .deny && isMatched($0) }) { return .denied }
        let allows = applying.filter { $0.action == .allow }
        if allows.contains(where: isMatched) { return .allowed }
        if !allows.isEmpty { return .noAllowMatched }
        return self.authorization.unmatched == .allow ? .defaultAllowed : .defaultDenied
    }

    static func matches(
        _ rule: AuthorizationRule, _ policy: AuthorizationRules, _ head: RequestHead, _ caller: Caller,
        _ claims: TokenClaims?
    ) -> Bool {
        let isWithin =
            policy.scope.isEmpty || policy.action == .deny
            || policy.scope.contains { self.matches($0, head, anyReading: false) }
        return isWithin && (rule.from.isEmpty || rule.from.contains { self.matches($0, caller) })
            && (rule.to.isEmpty || rule.to.contains { self.matches($0, head, policy.action) })
            && rule.when.allSatisfy { self.matches($0, head, claims, policy.action) }
    }

    // MARK: Bytes

    func bytes(_ caller: Caller) -> Outcome {
        let policies = self.authorization.policies.filter { !$0.isAudit }
        for policy in policies where policy.action == .deny {
            for rule in policy.rules where rule.from.isEmpty || rule.from.contains(where: { Self.matches($0, caller) })
            {
                return .denied
            }
        }
        let allows = policies.filter { $0.action == .allow }
        for policy in allows where policy.scope.isEmpty {
            for rule in policy.rules where !rule.needsHTTP {
                if rule.from.isEmpty || rule.from.contains(where: { Self.matches($0, caller) }) { return .allowed }
            }
        }
        if !allows.isEmpty { return .noAllowMatched }
        return self.authorization.unmatched == .allow ? .defaultAllowed : .defaultDenied
    }

    // MARK: Parts

    static func matches(_ source: AuthorizationSource, _ caller: Caller) -> Bool {
        func isOne(_ patterns: [IdentityPattern]) -> Bool {
            guard let identity = caller.identity else { return false }
            return patterns.contains { pattern in
                switch pattern {
                case .any: true
                case .exact(let id): "\(id)" == identity
                case .prefix(let text): identity.starts(with: text)
                case .suffix(let text): identity.reversed().starts(with: text.reversed())
                }
            }
        }
        func isIn(_ namespaces: [String]) -> Bool {
            guard let identity = caller.identity else { return false }
            return namespaces.contains { namespace in
                let parts = identity.split(separator: "/")
                return parts.count == 6 && parts[1] == "mesh.local" && parts[2] == "ns" && parts[3] == namespace
                    && parts[4] == "sa"
            }
        }
        func isWithin(_ networks: [NetworkPrefix]) -> Bool {
            networks.contains { network in
                var address = caller.address
                if address.count == 16, network.bytes.count == 4, address[..<10].allSatisfy({ $0 == 0 }),
                    address[10] == 255, address[11] == 255
                {
                    address = Array(address[12...])
                }
                guard address.count == network.bytes.count else { return false }
                return (0..<network.bits).allSatisfy { bit in
                    let mask = UInt8(128) >> UInt8(bit % 8)
                    return address[bit / 8] & mask == network.bytes[bit / 8] & mask
                }
            }
        }
        return (source.identities.isEmpty || isOne(source.identities)) && !isOne(source.notIdentities)
            && (source.namespaces.isEmpty || isIn(source.namespaces)) && !isIn(source.notNamespaces)
            && (source.networks.isEmpty || isWithin(source.networks)) && !isWithin(source.notNetworks)
    }

    static func path(of head: RequestHead) -> String {
        String(head.path.prefix { $0 != "?" && $0 != "#" })
    }

    static func canonical(_ path: String) -> String {
        let parts = path.split(separator: "%", omittingEmptySubsequences: false)
        return parts.dropFirst().reduce(String(parts[0])) { result, part in
            guard let byte = UInt8(part.prefix(2), radix: 16), part.prefix(2).count == 2, byte > 0x20, byte < 0x7f,
                !"/\\%".utf8.contains(byte)
            else { return "\(result)%\(part)" }
            return "\(result)\(UnicodeScalar(byte))\(part.dropFirst(2))"
        }
    }

    static func canonicalPath(of head: RequestHead) -> String { self.canonical(self.path(of: head)) }

    static func withoutParameters(_ path: String) -> String {
        guard path.contains(";") else { return path }
        let segments = path.split(separator: "/", omittingEmptySubsequences: false).map { $0.prefix { $0 != ";" } }
        guard let first = segments.first, let last = segments.last, segments.count > 1 else { return path }
        return ([first] + segments.dropFirst().dropLast().filter { !$0.isEmpty } + [last]).joined(separator: "/")
    }

    /// With and without parameters.
    static func readings(of head: RequestHead) -> [String] {
        let path = self.canonicalPath(of: head)
        return [path, self.withoutParameters(path)]
    }

    static func matches(
        _ operation: AuthorizationOperation, _ head: RequestHead, _ action: AuthorizationAction
    ) -> Bool {
        let method = head.method.text
        let readings = self.readings(of: head)
        func canonical(_ patterns: [TextPattern]) -> [TextPattern] {
            patterns.map { pattern in
                switch pattern {
                case .any: .any
                case .exact(let text): .exact(self.canonical(text))
                case .prefix(let text): .prefix(self.canonical(text))
                case .suffix(let text): .suffix(self.canonical(text))
                }
            }
        }
        func isTaken(_ path: String) -> Bool {
            operation.paths.isEmpty || canonical(operation.paths).contains { self.matches($0, path) }
        }
        func isExcluded(_ path: String) -> Bool {
            canonical(operation.notPaths).contains { self.matches($0, path) }
        }
        func isOne(_ methods: [String], anyCase: Bool) -> Bool {
            methods.contains { anyCase ? $0.lowercased() == method.lowercased() : $0 == method }
        }
        guard operation.methods.isEmpty || isOne(operation.methods, anyCase: action == .deny),
            !isOne(operation.notMethods, anyCase: action == .allow)
        else { return false }
        if action == .deny { return readings.contains { isTaken($0) && !isExcluded($0) } }
        let isAllowed =
            operation.paths.isEmpty
            || canonical(operation.paths).contains { pattern in
                guard self.matches(pattern, readings[0]) else { return false }
                guard case .suffix(let end) = pattern, !end.contains(";") else { return true }
                return self.matches(pattern, readings[1])
            }
        return isAllowed && !readings.contains(where: isExcluded)
    }

    static func matches(
        _ condition: AuthorizationCondition, _ head: RequestHead, _ claims: TokenClaims?, _ action: AuthorizationAction
    ) -> Bool {
        func isOne(_ patterns: [TextPattern], _ texts: [String]) -> Bool {
            patterns.contains { pattern in texts.contains { self.matches(pattern, $0) } }
        }
        let letter: [String]
        let readings: [String]
        switch condition.subject {
        case .header(let name): (letter, readings) = self.values(of: name, head)
        case .claim(let path):
            var value = claims?.members
            for name in path { value = value?.object?[name] }
            let elements: [JSONValue] = if case .array(let list) = value { list } else { value.map { [$0] } ?? [] }
            letter = elements.compactMap { element in
                switch element {
                case .string(let text), .number(let text): text
                case .boolean(let flag): "\(flag)"
                case .null, .array, .object: nil
                }
            }
            if letter.isEmpty { return condition.values.isEmpty && !condition.notValues.isEmpty }
            return (condition.values.isEmpty || isOne(condition.values, letter)) && !isOne(condition.notValues, letter)
        }
        let holdsWhereAbsent = condition.values.isEmpty && !condition.notValues.isEmpty
        if action == .deny {
            if letter.isEmpty, holdsWhereAbsent { return true }
            return readings.contains { reading in
                (condition.values.isEmpty || isOne(condition.values, [reading]))
                    && !isOne(condition.notValues, [reading])
            }
        }
        if letter.isEmpty, !holdsWhereAbsent { return false }
        return (condition.values.isEmpty || isOne(condition.values, letter)) && !isOne(condition.notValues, readings)
    }

    /// What is there under this very name, and all that an application may take for it.
    static func values(of name: String, _ head: RequestHead) -> (letter: [String], readings: [String]) {
        let name = name == "host" ? ":authority" : name
        let separator = name == "cookie" ? "; " : ","
        let values = head.headers.values(of: name)
        func dashed(_ text: String) -> String {
            text.split(separator: "_", omittingEmptySubsequences: false).joined(separator: "-")
        }
        var readings: [String] = []
        var lines: [String] = []
        for index in 0..<head.headers.count where dashed(head.headers.name(at: index)) == dashed(name) {
            let line = head.headers.value(at: index)
            lines.append(line)
            readings.append(line)
            for part in line.split(whereSeparator: { $0 == "," || name == "cookie" && $0 == ";" }) {
                let words = part.split(separator: " ", omittingEmptySubsequences: true)
                if !words.isEmpty { readings.append(words.joined(separator: " ")) }
            }
        }
        if !lines.isEmpty { readings.append(lines.joined(separator: separator)) }
        let dashes = head.headers.values(of: dashed(name))
        if dashes.count > 1 { readings.append(dashes.joined(separator: separator)) }
        return (values.isEmpty ? [] : [values.joined(separator: separator)], readings)
    }

    static func matches(_ pattern: TextPattern, _ text: String) -> Bool {
        switch pattern {
        case .any: true
        case .exact(let exact): Array(exact.utf8) == Array(text.utf8)
        case .prefix(let prefix): Array(text.utf8).starts(with: Array(prefix.utf8))
        case .suffix(let suffix): Array(text.utf8).reversed().starts(with: Array(suffix.utf8).reversed())
        }
    }

    /// Of the kinds that the generator makes: no expressions about escapes.
    static func matches(_ match: RouteMatch, _ head: RequestHead, anyReading: Bool) -> Bool {
        let paths = anyReading ? self.readings(of: head) : [self.canonicalPath(of: head)]
        let isPath = paths.contains { path in
            switch match.path {
            case .exact(let exact): return path == self.canonical(exact)
            case .prefix(let prefix):
                let prefix = self.canonical(prefix)
                return prefix == "/" || path == prefix || path.hasPrefix(prefix.hasSuffix("/") ? prefix : prefix + "/")
                    || path + "/" == prefix
            case .regularExpression(let text):
                return text == "/[a-c]+" && path.count > 1 && path.dropFirst().allSatisfy { "abc".contains($0) }
            }
        }
        let method = anyReading ? head.method.text.uppercased() : head.method.text
        func isOne(_ value: StringMatch, _ texts: [String]) -> Bool {
            switch value {
            case .exact(let text): texts.contains(text)
            case .present: !texts.isEmpty
            case .regularExpression: false
            }
        }
        return isPath && (match.method == nil || match.method == method)
            && match.headers.allSatisfy { header in
                let values = self.values(of: header.name, head)
                return isOne(header.value, anyReading ? values.readings : values.letter)
            }
            && match.queryParameters.allSatisfy { parameter in
                let query = head.path.split(separator: "?", maxSplits: 1).dropFirst().first ?? ""
                let values = query.split(separator: "&").filter { $0.hasPrefix("\(parameter.name)=") }
                    .map { String($0.dropFirst(parameter.name.count + 1)) }
                return isOne(parameter.value, Array(anyReading ? values[...] : values.prefix(1)))
            }
    }
}
