internal import Synchronization
internal import WeftDiscovery
internal import WeftModel

/// Encodes each resource once for each dialect, however many streams want it, and again only when it changed.
final class EncodingCache: Sendable {
    private struct Key: Hashable, Sendable {
        let dialect: Dialect
        let type: ResourceType
        let name: String
    }

    private struct Entry: Sendable {
        let source: any Hashable & Sendable
        let served: ServedResource
    }

    private let entries = Mutex<[Key: Entry]>([:])

    /// The resource for `source`, encoded by `encode` unless an equal one is at hand.
    func served<Source: Hashable & Sendable>(
        _ source: Source, _ type: ResourceType, named name: String, for dialect: Dialect,
        encode: () throws -> ServedResource?
    ) rethrows -> ServedResource? {
        let key = Key(dialect: dialect, type: type, name: name)
        let known = self.entries.withLock { $0[key] }
        if let known, known.source as? Source == source { return known.served }
        guard let served = try encode() else { return nil }
        let entry = Entry(source: source, served: served)
        self.entries.withLock { $0[key] = entry }
        return served
    }

    /// Forgets what is not in the snapshot any more.
    func trim(to snapshot: MeshSnapshot) {
        self.entries.withLock { entries in
            entries = entries.filter { key, _ in
                switch key.type {
                case .cluster: snapshot.clusters[key.name] != nil
                case .endpoints: snapshot.endpoints[key.name] != nil
                // A listener for one namespace's callers is kept under the name of its routes.
                case .listener: snapshot.listeners[key.name] != nil || snapshot.routes[key.name] != nil
                case .route: snapshot.routes[key.name] != nil
                case .secret: false
                }
            }
        }
    }
}
