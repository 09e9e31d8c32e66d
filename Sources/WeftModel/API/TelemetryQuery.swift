/// Which edges a question about telemetry is about, and how they are put together.
package struct TelemetryQuery: Hashable, Sendable {
    /// Seconds to look back over.
    package var window: Int64
    package var source: String?
    package var destination: String?
    /// At either end.
    package var service: String?
    /// Of either end.
    package var namespace: String?
    package var version: String?
    package var route: String?
    /// Only edges with requests that ended for this reason within the window.
    package var reason: String?
    /// The SPIFFE ID that the other side proved.
    package var identity: String?
    package var direction: EdgeStat.Direction?
    package var group: Group?

    /// What edges are merged by; directions are never merged, for both ends count the same requests.
    package enum Group: String, Hashable, Sendable, CaseIterable {
        /// Source and destination.
        case edge
        /// Destination.
        case service
        /// Destination and route.
        case route
        /// Destination and version.
        case version
    }

    package init(window: Int64) { self.window = window }

    /// Names and values as they stand in a URL's query, unescaped.
    package var fields: [(name: String, value: String)] {
        [
            ("window", "\(self.window)"), ("source", self.source), ("destination", self.destination),
            ("service", self.service), ("namespace", self.namespace), ("version", self.version), ("route", self.route),
            ("reason", self.reason), ("identity", self.identity), ("direction", self.direction?.rawValue),
            ("group", self.group?.rawValue),
        ].compactMap { name, value in value.map { (name, $0) } }
    }

    /// Whether an edge is meant, its reasons apart.
    package func matches(
        source: String, destination: String, version: String, route: String, direction: EdgeStat.Direction,
        identity: String?
    ) -> Bool {
        func isNamed(_ wanted: String?, _ name: String, _ version: String) -> Bool {
            wanted.map { EdgeNames.matches(name, $0, version: version) } ?? true
        }
        guard self.direction == nil || self.direction == direction, isNamed(self.source, source, ""),
            isNamed(self.destination, destination, version),
            isNamed(self.service, source, "") || isNamed(self.service, destination, version),
            self.version == nil || self.version == version, self.identity == nil || self.identity == identity
        else { return false }
        if let wanted = self.route, !EdgeNames.isRoute(route, wanted) { return false }
        guard let namespace = self.namespace else { return true }
        return EdgeNames.namespace(source) == namespace || EdgeNames.namespace(destination) == namespace
    }
}

/// How people name the ends of an edge.
package enum EdgeNames {
    /// `billing` means it in any namespace, `billing.default` the one; both mean the backends `billing-VERSION` too.
    package static func matches(_ name: String, _ wanted: String, version: String) -> Bool {
        let (base, namespace) = self.split(name)
        let (wantedBase, wantedNamespace) = self.split(wanted)
        guard wantedNamespace == nil || wantedNamespace == namespace else { return false }
        return base == wantedBase || !version.isEmpty && base == "\(wantedBase)-\(version)"
    }

    /// Whether a route's label, `namespace/name[/rule]`, is of the route named: `name`, `namespace/name`, or the label.
    package static func isRoute(_ label: String, _ wanted: String) -> Bool {
        if label == wanted || label.hasPrefix(wanted + "/") && wanted.contains("/") { return true }
        let parts = label.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        return parts.count > 1 && parts[1] == wanted
    }

    /// Without its namespace.
    package static func short(_ name: String) -> String { String(self.split(name).0) }

    /// Empty where it has none.
    package static func namespace(_ name: String) -> Substring { self.split(name).1 ?? "" }

    private static func split(_ name: String) -> (Substring, Substring?) {
        guard let dot = name.firstIndex(of: ".") else { return (name[...], nil) }
        return (name[..<dot], name[name.index(after: dot)...])
    }
}
