package import WeftMessage
package import WeftModel

/// A route configuration made ready to match requests: built once, shared by all loops, never changed.
///
/// The first route in order that matches wins, and finding it does not walk the routes: exact paths and prefixes are found
/// by hash in one pass over the path, expressions by the literal elements they begin with, and of the routes of one path those
/// that want a header or query parameter exactly by its value. Only what is left is held against the request one by one,
/// and none that comes after a match already found.
package final class RouteTable: Sendable {
    package let name: String
    /// By `CompiledRoute.index`.
    package let routes: [CompiledRoute]
    /// Expressions that cannot be honoured; their routes match nothing.
    package let problems: [String]

    /// By host name in lower case, to `indexes`.
    private let hosts: ByteTable
    /// By what follows the `*` of a name such as `*.example.com`.
    private let wildcards: ByteTable
    private let indexes: [PathIndex]
    /// Of the host `*`.
    private let anyHost: Int?

    package init(_ configuration: RouteConfiguration) {
        var routes: [CompiledRoute] = []
        var expressions = ExpressionCache()
        var hosts = ByteTable()
        var wildcards = ByteTable()
        var indexes: [PathIndex] = []
        var anyHost: Int?
        for host in configuration.virtualHosts {
            var candidates: [Candidate] = []
            for route in host.routes {
                let match = CompiledMatch(route.match, &expressions)
                let compiled = CompiledRoute(index: routes.count, route: route, literalPrefix: match.literalPrefix)
                routes.append(compiled)
                candidates.append(Candidate(match: match, route: compiled))
            }
            for domain in host.domains {
                if domain == "*" {
                    anyHost = anyHost ?? indexes.count
                } else if domain.hasPrefix("*.") {
                    _ = wildcards.value(for: Array(domain.lowercased().utf8.dropFirst()), orInsert: indexes.count)
                } else {
                    _ = hosts.value(for: Array(domain.lowercased().utf8), orInsert: indexes.count)
                }
            }
            indexes.append(PathIndex(candidates))
        }
        self.name = configuration.name
        self.routes = routes
        self.problems = expressions.problems
        self.hosts = hosts
        self.wildcards = wildcards
        self.indexes = indexes
        self.anyHost = anyHost
    }

    /// The clusters that its routes lead to.
    package var clusters: Set<String> { Set(self.routes.flatMap { $0.backends.map(\.cluster) }) }

    /// The route that a request takes; nil when none matches.
    package func match(_ head: borrowing RequestHead) -> CompiledRoute? {
        var steps = MatchSteps()
        return self.match(head, steps: &steps)
    }

    /// The same, counting the work.
    package func match(_ head: borrowing RequestHead, steps: inout MatchSteps) -> CompiledRoute? {
        guard let host = self.host(for: head.headers, steps: &steps) else { return nil }
        guard let path = head.headers.firstIndex(of: .path) else {
            return self.indexes[host].match(UnsafeRawBufferPointer(start: nil, count: 0), head, steps: &steps)
        }
        return head.headers.withValue(at: path) { self.indexes[host].match($0, head, steps: &steps) }
    }

    /// The virtual host: its name with the port as written, then without, then the longest `*.` that it ends in, then `*`.
    private func host(for headers: borrowing HeaderBlock, steps: inout MatchSteps) -> Int? {
        if self.hosts.isEmpty && self.wildcards.isEmpty { return self.anyHost }
        guard let field = headers.firstIndex(of: .authority) else { return self.anyHost }
        return headers.withValue(at: field) { authority in
            steps.lookups += 1
            if let host = self.hosts.value(ofLowercased: authority) { return host }
            var name = authority
            if let colon = authority.lastIndex(of: UInt8(ascii: ":")), authority.last != UInt8(ascii: "]") {
                steps.lookups += 1
                name = UnsafeRawBufferPointer(rebasing: authority[..<colon])
                if let host = self.hosts.value(ofLowercased: name) { return host }
            }
            return self.wildcard(name, steps: &steps) ?? self.anyHost
        }
    }

    private func wildcard(_ name: UnsafeRawBufferPointer, steps: inout MatchSteps) -> Int? {
        if self.wildcards.isEmpty { return nil }
        for (index, byte) in name.enumerated() where byte == UInt8(ascii: ".") && index > 0 {
            steps.lookups += 1
            let suffix = UnsafeRawBufferPointer(rebasing: name[index...])
            if let host = self.wildcards.value(ofLowercased: suffix) { return host }
        }
        return nil
    }
}
