package import WeftModel

/// Says which of a service's routes a recorded request does not take, and why not.
///
/// It goes by what the record kept: of query parameters only names, of headers only some.
package enum RouteMismatch {
    package struct Finding: Hashable, Sendable {
        package let route: String
        /// Why it did not match; nil where nothing that is known speaks against it.
        package let cause: String?
        package let provenance: Provenance?
    }

    /// The routes that stand before the one taken, or all where none was; at most `limit`.
    package static func findings(for record: HopRecord, in snapshot: MeshSnapshot, limit: Int = 16) -> [Finding] {
        guard let routes = self.routes(for: record, in: snapshot) else { return [] }
        var findings: [Finding] = []
        for route in routes {
            // Several matches of one rule are routes of one name; those after the one taken were never looked at.
            let cause = self.cause(route.match, record)
            if route.name == record.route, cause == nil { break }
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

    private static func cause(_ match: RouteMatch, _ record: HopRecord) -> String? {
        let path = record.path.prefix { $0 != "?" }
        if let method = match.method, method != record.method { return "it is for \(method)" }
        switch match.path {
        case .exact(let wanted): if path != wanted { return "its path is \(wanted)" }
        case .prefix(let prefix):
            let trimmed = prefix.hasSuffix("/") ? String(prefix.dropLast()) : prefix
            if path != trimmed, !path.hasPrefix(trimmed + "/") { return "its path begins with \(prefix)" }
        case .regularExpression(let text):
            guard let expression = try? RegularExpression(text) else {
                return "its expression \(text) is no expression"
            }
            if !expression.matches(String(path)) { return "its path is the expression \(text)" }
        }
        for header in match.headers {
            guard let found = record.headers.first(where: { $0.name == header.name }) else {
                // Of requests that went well only headers that routes look at are kept: what is not there was not sent.
                return "it wants the header \(header.name), which the request had not"
            }
            // The value of a secret one is not kept; whether it matched cannot be told.
            guard let value = found.value else { continue }
            switch header.value {
            case .present: continue
            case .exact(let wanted): if wanted != value { return "it wants \(header.name): \(wanted), not \(value)" }
            case .regularExpression(let text):
                if (try? RegularExpression(text))?.matches(value) != true {
                    return "it wants \(header.name) to match \(text), not \(value)"
                }
            }
        }
        let parameters = Set(
            record.path.drop { $0 != "?" }.dropFirst().split(separator: "&").map { $0.prefix { $0 != "=" } })
        for parameter in match.queryParameters where !parameters.contains(Substring(parameter.name)) {
            return "it wants the query parameter \(parameter.name), which the request had not"
        }
        // Present, but values are not kept: an exact wish may have failed.
        if let parameter = match.queryParameters.first(where: { if case .present = $0.value { false } else { true } }) {
            return "it wants a value of the query parameter \(parameter.name) (values are not kept)"
        }
        return nil
    }
}
