package import WeftModel

/// Says which of a service's routes a recorded request does not take, and why not.
///
/// It goes by what the record kept: of query parameters only names, of headers only some. What that cannot tell is said to
/// be unknown, never made up.
package enum RouteMismatch {
    package struct Finding: Hashable, Sendable {
        package let route: String
        /// Why it did not match, as far as can be told.
        package let cause: String
        package let provenance: Provenance?
    }

    /// Whether a route takes a request, as far as its record tells.
    private enum Verdict {
        case matches
        case differs(String)
        /// Nothing that is kept speaks against it; whether the rest holds, the record does not tell.
        case unknown(String)
    }

    /// The routes that stand before the one taken, or all where none was; at most `limit`. None where the configuration
    /// does not have the one taken any more.
    package static func findings(for record: HopRecord, in snapshot: MeshSnapshot, limit: Int = 16) -> [Finding] {
        guard let routes = self.routes(for: record, in: snapshot) else { return [] }
        if !record.route.isEmpty, !routes.contains(where: { $0.name == record.route }) { return [] }
        let isComplete = self.keepsAllNames(record, routes)
        var findings: [Finding] = []
        for (index, route) in routes.enumerated() {
            let verdict = self.verdict(on: route.match, record, isComplete)
            if route.name == record.route {
                // Several matches of one rule are routes of one name; those after the one taken were never looked at.
                guard case .differs = verdict, routes[(index + 1)...].contains(where: { $0.name == record.route })
                else { break }
                continue
            }
            let cause =
                switch verdict {
                case .differs(let cause), .unknown(let cause): cause
                case .matches: "nothing that is known speaks against it now: the configuration may have changed since"
                }
            findings.append(Finding(route: route.name, cause: cause, provenance: route.provenance))
            if findings.count == limit { break }
        }
        return findings
    }

    /// What a name that a caller used stands for: `billing`, `billing.default`, with and without a port.
    static func servicePort(authority: String, namespace: String) -> String? {
        var host = authority.lowercased()
        var port = "80"
        if let colon = host.lastIndex(of: ":"), !host.hasSuffix("]") {
            port = String(host[host.index(after: colon)...])
            host = String(host[..<colon])
        }
        let parts = host.split(separator: ".").map(String.init)
        switch parts.count {
        case 1: return "\(parts[0]).\(namespace):\(port)"
        case 2...3 where parts.count == 2 || parts[2] == "mesh": return "\(parts[0]).\(parts[1]):\(port)"
        default: return nil
        }
    }

    private static func routes(for record: HopRecord, in snapshot: MeshSnapshot) -> [Route]? {
        let namespace = record.source.split(separator: ".").last.map(String.init) ?? "default"
        let names = [self.servicePort(authority: record.authority, namespace: namespace), record.cluster]
        for case let name? in names where !name.isEmpty {
            let own = RouteConfiguration.name(of: name, consumer: namespace)
            guard let configuration = snapshot.routes[own] ?? snapshot.routes[name] else { continue }
            return configuration.virtualHosts.flatMap(\.routes)
        }
        return nil
    }

    /// Whether a header that routes are matched by and the record does not name was not there.
    private static func keepsAllNames(_ record: HopRecord, _ routes: [Route]) -> Bool {
        if record.headers.count >= HopRecord.maxHeaders { return false }
        if record.hasAllHeaders { return true }
        return Set(routes.flatMap { $0.match.headers.map(\.name) }).count <= HopRecord.maxMatchedHeaders
    }

    // MARK: One route

    /// What surely differs is told before what cannot be told.
    private static func verdict(on match: RouteMatch, _ record: HopRecord, _ isComplete: Bool) -> Verdict {
        if let method = match.method, method != record.method { return .differs("it is for \(method)") }
        var verdicts = [self.verdict(onPath: match.path, record)]
        verdicts += match.headers.map { self.verdict(on: $0, record, isComplete) }
        let query = self.queryNames(record)
        verdicts += match.queryParameters.map { self.verdict(on: $0, query.names, isCut: query.isCut) }
        for case .differs(let cause) in verdicts { return .differs(cause) }
        for case .unknown(let cause) in verdicts { return .unknown(cause) }
        return .matches
    }

    private static func verdict(onPath wanted: PathMatch, _ record: HopRecord) -> Verdict {
        let path = record.path.prefix { $0 != "?" }
        let isCut = path.utf8.count >= HopRecord.maxPathBytes
        let (holds, text): (Bool, String)
        switch wanted {
        case .exact(let wanted): (holds, text) = (path == wanted, "its path is \(wanted)")
        case .prefix(let prefix):
            let trimmed = prefix.hasSuffix("/") ? String(prefix.dropLast()) : prefix
            (holds, text) = (path == trimmed || path.hasPrefix(trimmed + "/"), "its path begins with \(prefix)")
        case .regularExpression(let wanted):
            guard let expression = try? RegularExpression(wanted) else {
                return .differs("its expression \(wanted) is no expression")
            }
            (holds, text) = (expression.matches(String(path)), "its path is the expression \(wanted)")
        }
        if isCut, wanted.needsAll(path.utf8.count) {
            return .unknown("\(text); whether the request's is cannot be told, as records cut long paths")
        }
        return holds ? .matches : .differs(text)
    }

    private static func verdict(on header: HeaderMatch, _ record: HopRecord, _ isComplete: Bool) -> Verdict {
        let name = header.name
        let found =
            name == "host" || name == ":authority"
            ? [HopRecord.Header(name: name, value: record.authority)] : record.headers.filter { $0.name == name }
        if found.isEmpty {
            return isComplete
                ? .differs("it wants the header \(name), which the request had not")
                : .unknown("it wants the header \(name); whether the request had it cannot be told")
        }
        if case .present = header.value { return .matches }
        let values = found.compactMap(\.value)
        let isCut = values.contains { $0.utf8.count >= HopRecord.maxValueBytes }
        // Without its value, or with a part of it, whether it matched cannot be told.
        guard values.count == found.count, !isCut else {
            return .unknown(
                "it wants a value of the header \(name), which the request had; with which value cannot be told, as it is "
                    + (isCut ? "not kept whole" : "not kept"))
        }
        // Repeated fields are one list.
        let value = values.joined(separator: ",")
        switch header.value {
        case .exact(let wanted):
            return wanted == value ? .matches : .differs("it wants \(name): \(wanted), not \(value)")
        case .regularExpression(let text):
            return (try? RegularExpression(text))?.matches(value) == true
                ? .matches : .differs("it wants \(name) to match \(text), not \(value)")
        case .present: return .matches
        }
    }

    private static func verdict(
        on parameter: QueryParameterMatch, _ names: Set<Substring>, isCut: Bool
    ) -> Verdict {
        guard names.contains(Substring(parameter.name)) else {
            return isCut
                ? .unknown("it wants the query parameter \(parameter.name); whether the request had it cannot be told")
                : .differs("it wants the query parameter \(parameter.name), which the request had not")
        }
        if case .present = parameter.value { return .matches }
        return .unknown(
            "it wants a value of the query parameter \(parameter.name), which the request had; with which value cannot "
                + "be told, as values are not kept")
    }

    /// The names of the query's parameters, and whether there may be others, cut off or encoded.
    private static func queryNames(_ record: HopRecord) -> (names: Set<Substring>, isCut: Bool) {
        let query = record.path.drop { $0 != "?" }.dropFirst()
        return (
            Set(query.split(separator: "&").map { $0.prefix { $0 != "=" } }),
            record.path.utf8.count >= HopRecord.maxPathBytes || query.contains { $0 == "%" || $0 == "+" }
        )
    }
}

extension PathMatch {
    /// Whether the beginning of a path, so many bytes of it, does not tell.
    fileprivate func needsAll(_ known: Int) -> Bool {
        switch self {
        case .exact(let wanted), .prefix(let wanted): wanted.utf8.count >= known
        case .regularExpression: true
        }
    }
}
