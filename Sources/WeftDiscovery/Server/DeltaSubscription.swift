internal import WeftProtos

/// What a client wants and has of one type, on one incremental stream.
struct DeltaSubscription: Sendable {
    /// What to tell the client, by name.
    struct Changes {
        var resources: [ServedResource] = []
        var removed: [String] = []
    }

    private struct Outstanding {
        var version: String
        var resources: [(name: String, version: String)]
        var removed: [String]
    }

    let type: ResourceType
    private(set) var opened = false
    private(set) var isWildcard = false
    private(set) var status = TypeStatus()

    private var names: Set<String> = []
    /// What the client holds, by version; nil where it was told that there is none.
    private var held: [String: String?] = [:]
    private var outstanding: [String: Outstanding] = [:]
    private var order: [String] = []
    /// Versions that came in a refused response with others: sent again alone.
    private var suspects: [String: String] = [:]
    /// Versions refused alone: not sent again until they change.
    private var refused: [String: String] = [:]

    /// Responses without an answer that are remembered; beyond, the oldest counts as accepted.
    private static let maxOutstanding = 1024

    init(type: ResourceType) { self.type = type }

    func isSuspect(_ resource: ServedResource) -> Bool { self.suspects[resource.name] == resource.version }

    /// Takes a request in; returns what to say because of it.
    ///
    /// - Parameter awaited: names to send even if the client holds them.
    mutating func received(
        _ request: DeltaServerStream.Request, view: some ResourceView, awaited: Set<String>
    ) -> Changes {
        if !self.opened {
            self.opened = true
            self.held = request.initialResourceVersions.mapValues { $0 }
            self.isWildcard = self.type.isWhole && request.resourceNamesSubscribe.isEmpty
        } else if !request.responseNonce.isEmpty {
            self.answered(request)
        }
        var gone: [String] = []
        for name in request.resourceNamesUnsubscribe {
            if name == "*" {
                self.isWildcard = false
            } else if self.names.remove(name) != nil {
                // Under the wildcard the client keeps what exists, so it needs an answer either way.
                self.held[name] = nil
                if self.isWildcard, view.resource(self.type, named: name) == nil { gone.append(name) }
            }
        }
        for name in request.resourceNamesSubscribe {
            if name == "*" {
                self.isWildcard = self.type.isWhole
                continue
            }
            self.names.insert(name)
            self.refused[name] = nil
            // Asking for a name is asking to be sent it, unless the client says that it has it.
            if request.initialResourceVersions[name] == nil { self.held[name] = nil }
        }
        var changes = self.changes(view: view, awaited: awaited)
        changes.removed += gone
        return changes
    }

    /// What differs between what the client holds and what it should.
    ///
    /// - Parameter awaited: names to send even if the client holds them.
    mutating func changes(view: some ResourceView, awaited: Set<String>) -> Changes {
        var changes = Changes()
        var wanted = self.names
        if self.isWildcard { wanted.formUnion(view.names(of: self.type)) }
        for name in wanted.sorted() {
            guard let resource = view.resource(self.type, named: name) else {
                if self.held[name] != .some(.none) { changes.removed.append(name) }
                continue
            }
            if self.refused[name] == resource.version { continue }
            if self.held[name] != resource.version || awaited.contains(name) { changes.resources.append(resource) }
        }
        for (name, version) in self.held where !wanted.contains(name) {
            if version != nil, self.isWildcard || view.resource(self.type, named: name) == nil {
                changes.removed.append(name)
            } else {
                self.held[name] = nil
            }
        }
        changes.removed.sort()
        return changes
    }

    /// A response left.
    mutating func sent(nonce: String, version: String, resources: [ServedResource], removed: [String]) {
        for resource in resources { self.held.updateValue(resource.version, forKey: resource.name) }
        for name in removed {
            if self.names.contains(name) {
                self.held.updateValue(nil, forKey: name)
            } else {
                self.held.removeValue(forKey: name)
            }
        }
        self.status.sent = version
        self.order.append(nonce)
        self.outstanding[nonce] = Outstanding(
            version: version, resources: resources.map { ($0.name, $0.version) }, removed: removed)
        if self.order.count > Self.maxOutstanding { self.outstanding[self.order.removeFirst()] = nil }
    }

    private mutating func answered(_ request: DeltaServerStream.Request) {
        guard let answered = self.outstanding.removeValue(forKey: request.responseNonce) else { return }
        self.order.removeAll { $0 == request.responseNonce }
        guard request.hasErrorDetail else {
            self.status.accepted = answered.version
            self.status.rejection = nil
            for (name, version) in answered.resources where self.suspects[name] == version { self.suspects[name] = nil }
            return
        }
        self.status.rejection = TypeStatus.Rejection(
            version: answered.version, resources: answered.resources.map(\.name), message: request.errorDetail.message)
        // Nothing of a refused response counts as held. Alone, a resource is the culprit; among others, each is tried.
        for (name, version) in answered.resources {
            if answered.resources.count == 1 { self.refused[name] = version } else { self.suspects[name] = version }
            if self.held[name] == version { self.held[name] = nil }
        }
    }
}
