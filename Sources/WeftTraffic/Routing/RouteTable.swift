package import WeftMessage
package import WeftModel

/// A route configuration made ready to match requests: built once, shared by all loops, never changed.
///
/// The first route in order that matches wins, and finding it does not walk the routes: exact paths and prefixes are found
/// by hash in one pass over the path, expressions by the literal elements they begin with. Only routes of equal path are
/// then held against method, headers and query one by one, and none that comes after a match already found.
package final class RouteTable: Sendable {
    package let name: String
    /// By `CompiledRoute.index`.
    package let routes: [CompiledRoute]
    /// Expressions that cannot be honoured; their routes match nothing.
    package let problems: [String]

    /// The routes of one virtual host under one of its names; a class, so that finding it copies nothing.
    private final class Host: Sendable {
        let name: [UInt8]
        let index: PathIndex

        init(name: [UInt8], index: PathIndex) {
            self.name = name
            self.index = index
        }
    }

    private let hosts: [Host]
    private let anyHost: Host?

    package init(_ configuration: RouteConfiguration) {
        var routes: [CompiledRoute] = []
        var problems: [String] = []
        var hosts: [Host] = []
        var anyHost: Host?
        for host in configuration.virtualHosts {
            var index = PathIndex()
            for route in host.routes {
                let compiled = CompiledRoute(index: routes.count, route: route)
                routes.append(compiled)
                index.add(compiled, problems: &problems)
            }
            for domain in host.domains {
                if domain == "*" {
                    anyHost = anyHost ?? Host(name: [], index: index)
                } else {
                    hosts.append(Host(name: Array(domain.lowercased().utf8), index: index))
                }
            }
        }
        self.name = configuration.name
        self.routes = routes
        self.problems = problems
        self.hosts = hosts
        self.anyHost = anyHost
    }

    /// The route that a request takes; nil when none matches.
    package func match(_ head: borrowing RequestHead) -> CompiledRoute? {
        guard let host = self.host(for: head.headers) else { return nil }
        guard let path = head.headers.firstIndex(of: .path) else {
            return host.index.match(UnsafeRawBufferPointer(start: nil, count: 0), head)
        }
        return head.headers.withValue(at: path) { host.index.match($0, head) }
    }

    /// The virtual host: its name with the port as written, then without, then `*`.
    private func host(for headers: borrowing HeaderBlock) -> Host? {
        if self.hosts.isEmpty { return self.anyHost }
        guard let field = headers.firstIndex(of: .authority) else { return self.anyHost }
        return headers.withValue(at: field) { authority in
            if let host = self.host(named: authority) { return host }
            if let colon = authority.lastIndex(of: UInt8(ascii: ":")), authority.last != UInt8(ascii: "]"),
                let host = self.host(named: UnsafeRawBufferPointer(rebasing: authority[..<colon]))
            {
                return host
            }
            return self.anyHost
        }
    }

    private func host(named name: UnsafeRawBufferPointer) -> Host? {
        for host in self.hosts where host.name.count == name.count {
            let same = zip(host.name, name).allSatisfy { lower, byte in
                lower == ((UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte)
            }
            if same { return host }
        }
        return nil
    }
}
