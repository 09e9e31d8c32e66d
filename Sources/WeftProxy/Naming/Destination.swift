internal import WeftModel
internal import WeftTraffic

/// What an authority means under one snapshot; found once, then recognised by its bytes.
final class Destination {
    /// As requests write it; empty for a declared upstream.
    let authority: [UInt8]
    /// The canonical service port; the authority as written where it is none.
    let name: String
    let meaning: Meaning
    /// What this was found in; another snapshot may mean another thing.
    let snapshot: ProxySnapshot

    enum Meaning {
        case routes(RouteTable)
        /// A name the mesh could have, but this sidecar has not asked for yet or has no answer to.
        case unknown
        /// A name the mesh does not have.
        case absent
        /// No name of the mesh: an address, `localhost`.
        case foreign
        case malformed
    }

    init(authority: [UInt8], name: String, meaning: Meaning, snapshot: ProxySnapshot) {
        self.authority = authority
        self.name = name
        self.meaning = meaning
        self.snapshot = snapshot
    }

    /// Whether the name is a service's, known yet or not.
    var isService: Bool {
        switch self.meaning {
        case .routes, .unknown, .absent: true
        case .foreign, .malformed: false
        }
    }

    /// Whether the name is one that the mesh gives: what its applications take for one path is known. Destinations
    /// outside have their own idea of that.
    private(set) lazy var isOfMesh: Bool =
        if case .service = AuthorityResolution(authority: self.name, namespace: "") { true } else { false }

    /// Whether this was found for the same bytes.
    func isWritten(_ authority: UnsafeRawBufferPointer) -> Bool {
        self.authority.count == authority.count && self.authority.elementsEqual(authority)
    }

    /// What a canonical name means in a snapshot.
    static func named(_ name: String, authority: [UInt8] = [], in snapshot: ProxySnapshot) -> Destination {
        let meaning: Meaning =
            if let table = snapshot.table(ofListener: name) {
                .routes(table)
            } else if snapshot.isComplete || snapshot.absent.contains(name) {
                .absent
            } else {
                .unknown
            }
        return Destination(authority: authority, name: name, meaning: meaning, snapshot: snapshot)
    }
}

/// The authorities one loop has met lately, by their bytes. Bounded; starts over with every snapshot.
struct DestinationCache {
    private let namespace: String
    private let limit: Int
    /// Addresses of declared upstreams' own ports, and the services they stand for: a client that sends even loopback
    /// calls through its proxy means them.
    var aliases: [String: String] = [:] { didSet { self.removeAll() } }
    private var byHash: [Int: Destination] = [:]

    init(namespace: String, limit: Int) {
        self.namespace = namespace
        self.limit = limit
    }

    mutating func removeAll() { self.byHash.removeAll(keepingCapacity: true) }

    /// What `authority` means in `snapshot`.
    mutating func find(_ authority: UnsafeRawBufferPointer, in snapshot: ProxySnapshot) -> Destination {
        var hasher = Hasher()
        hasher.combine(bytes: authority)
        let hash = hasher.finalize()
        if let known = self.byHash[hash], known.snapshot === snapshot, known.authority.elementsEqual(authority) {
            return known
        }
        let found = self.resolve(authority, in: snapshot)
        if self.byHash.count >= self.limit { self.removeAll() }
        self.byHash[hash] = found
        return found
    }

    private func resolve(_ authority: UnsafeRawBufferPointer, in snapshot: ProxySnapshot) -> Destination {
        let bytes = Array(authority)
        func other(_ meaning: Destination.Meaning) -> Destination {
            Destination(
                authority: bytes, name: String(decoding: bytes, as: UTF8.self), meaning: meaning, snapshot: snapshot)
        }
        return switch AuthorityResolution(authority: authority, namespace: self.namespace) {
        case .service(let port): Destination.named(port.description, authority: bytes, in: snapshot)
        case .external(let host, let port):
            if let name = self.aliases[String(decoding: bytes, as: UTF8.self)] {
                Destination.named(name, authority: bytes, in: snapshot)
            } else {
                Destination.named("\(host):\(port)", authority: bytes, in: snapshot)
            }
        case .foreign:
            if let name = self.aliases[String(decoding: bytes, as: UTF8.self)] {
                Destination.named(name, authority: bytes, in: snapshot)
            } else {
                other(.foreign)
            }
        case .malformed: other(.malformed)
        }
    }
}
