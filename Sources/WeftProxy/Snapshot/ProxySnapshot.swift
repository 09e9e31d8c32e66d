package import WeftModel
internal import WeftTraffic

/// What a sidecar knows at one moment: the listeners it asked for and what hangs on them. Immutable, swapped whole; a
/// request keeps the one it began with.
package final class ProxySnapshot: Sendable {
    /// The newest revision that any part of it came from.
    package let revision: Revision
    /// Outbound listeners by canonical service port (`billing.default:80`), the workload's inbound ones by their names.
    package let listeners: [String: Listener]
    package let routes: [String: RouteConfiguration]
    package let clusters: [String: Cluster]
    package let endpoints: [String: ClusterEndpoints]
    /// Names that were asked for and that the mesh does not have.
    package let absent: Set<String>
    /// Nothing more will come: a name that is not here does not exist.
    package let isComplete: Bool
    /// `routes`, ready for matching, under the same names.
    private let tables: [String: RouteTable]
    /// What inbound ports enforce, by the names of their listeners; those that enforce nothing are not there.
    private let guards: [String: InboundGuard]
    /// Where hashes lead in clusters whose balancing takes them; built once for all loops.
    private let hashTables: [String: HashTable]
    /// The names outside the mesh that a listener's routes lead to; none for most.
    private let hostsByListener: [String: Set<String>]

    /// Makes a snapshot; what equals a part of `previous` is taken from there, so that what was compiled stays.
    package init(
        revision: Revision = .zero, listeners: [String: Listener] = [:], routes: [String: RouteConfiguration] = [:],
        clusters: [String: Cluster] = [:], endpoints: [String: ClusterEndpoints] = [:], absent: Set<String> = [],
        isComplete: Bool = false, previous: ProxySnapshot? = nil
    ) {
        self.revision = revision
        self.listeners = listeners
        self.routes = routes
        self.clusters = clusters
        self.endpoints = endpoints
        self.absent = absent
        self.isComplete = isComplete
        var tables: [String: RouteTable] = [:]
        for (name, configuration) in routes {
            if let previous, previous.routes[name] == configuration, let table = previous.tables[name] {
                tables[name] = table
            } else {
                tables[name] = RouteTable(configuration)
            }
        }
        self.tables = tables
        var guards: [String: InboundGuard] = [:]
        for case .inbound(let listener) in listeners.values where !listener.authorization.isEmpty {
            let known = previous?.guards[listener.name]
            guards[listener.name] =
                known?.authorization == listener.authorization ? known : InboundGuard(listener.authorization)
        }
        self.guards = guards
        var hashTables: [String: HashTable] = [:]
        for (name, cluster) in clusters where cluster.loadBalancing.isHashing {
            guard let members = endpoints[name] else { continue }
            if let previous, previous.endpoints[name] == members,
                previous.clusters[name]?.loadBalancing == cluster.loadBalancing,
                let table = previous.hashTables[name]
            {
                hashTables[name] = table
            } else {
                hashTables[name] = HashTable(cluster.loadBalancing, members.endpoints)
            }
        }
        self.hashTables = hashTables
        self.hostsByListener = Self.hosts(listeners, tables, clusters)
    }

    private static func hosts(
        _ listeners: [String: Listener], _ tables: [String: RouteTable], _ clusters: [String: Cluster]
    ) -> [String: Set<String>] {
        let hosts = clusters.compactMapValues(\.resolution?.host)
        if hosts.isEmpty { return [:] }
        var byListener: [String: Set<String>] = [:]
        for case .outbound(let name, let routes) in listeners.values {
            let found = Set((tables[routes]?.clusters ?? []).compactMap { hosts[$0] })
            if !found.isEmpty { byListener[name] = found }
        }
        return byListener
    }

    /// What an inbound port enforces; nil where that is nothing.
    func inboundGuard(of listener: String) -> InboundGuard? { self.guards[listener] }

    /// The names outside the mesh that a listener's routes lead to.
    func hosts(ofListener name: String) -> Set<String> { self.hostsByListener[name] ?? [] }

    /// Where hashes lead among a cluster's endpoints; nil where its balancing takes none.
    func hashTable(of cluster: String) -> HashTable? { self.hashTables[cluster] }

    /// The routes behind an outbound listener; nil when it, or its route configuration, is not here.
    func table(ofListener name: String) -> RouteTable? {
        guard case .outbound(_, let routeConfiguration) = self.listeners[name] else { return nil }
        return self.tables[routeConfiguration]
    }

    /// Knows nothing.
    package static let empty = ProxySnapshot()

    /// The inbound listeners, by name.
    package var inboundListeners: [InboundListener] {
        self.listeners.values.compactMap { if case .inbound(let listener) = $0 { listener } else { nil } }
            .sorted { $0.name < $1.name }
    }
}
