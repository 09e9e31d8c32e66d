internal import Foundation
internal import WeftConfig
internal import WeftModel
internal import WeftStore

/// What operators write: read and checked as a whole, stored as a whole, shown again.
struct Configurations: Sendable {
    let store: any ResourceStore
    /// Says what is wrong or doubtful with the configuration as it would be, all resources together, at a time in
    /// seconds since 1970.
    let lint: @Sendable ([Resource], _ registered: [Workload], _ now: Int64) -> [Diagnostic]

    /// What the store holds, as far as it can be read.
    struct Loaded: Sendable {
        var revision: Revision
        var resources: [Resource]
        /// Documents that another version wrote and this one cannot read.
        var problems: [Diagnostic]
    }

    var revision: Revision { get async throws { try await self.translating { try await self.store.revision() } } }

    /// Everything that is stored.
    func load() async throws -> Loaded {
        let listing = try await self.store.list()
        var loaded = Loaded(revision: listing.revision, resources: [], problems: [])
        for stored in listing.resources {
            do {
                loaded.resources.append(
                    try ConfigReader.restore(
                        document: stored.document, provenance: stored.provenance, createdAt: stored.createdAt,
                        lines: stored.lines))
            } catch {
                loaded.problems.append(error.diagnostic)
            }
        }
        return loaded
    }

    /// Every change from now on.
    func changes(after revision: Revision) -> ChangeWatch { self.store.watch(from: revision) }

    /// Stores all documents in one revision, or says everything that is wrong with them and stores none.
    ///
    /// What was wrong before with resources that the documents do not touch is told as a warning: what one team left
    /// behind, or a workload that registered, must not keep all others from changing theirs.
    ///
    /// - Parameters:
    ///   - registered: the workloads that registered by themselves, whose services documents may name.
    ///   - permission: throws where the caller may not make the changes.
    func apply(
        _ request: ApplyRequest, registered: [Workload], permission: ChangePermission
    ) async throws -> ApplyResponse {
        let reading = ConfigReader.read(request.documents.map { SourceDocument(file: $0.file, text: $0.text) })
        guard !reading.diagnostics.hasErrors else { throw Self.invalid(reading.diagnostics) }
        try permission.check(reading.resources.map(\.resource.key))
        return try await self.translating {
            // Others may apply between our look and our write; then we look again.
            while true {
                let loaded = try await self.load()
                if let expected = request.expectedRevision, expected != loaded.revision {
                    throw StoreError.conflict(expected: expected, actual: loaded.revision)
                }
                let world = Self.world(loaded.resources, with: reading)
                let stored = Dictionary(loaded.resources.map { ($0.key, $0) }) { first, _ in first }
                try permission.check(
                    reading.resources.map {
                        ResourceChange(key: $0.resource.key, old: stored[$0.resource.key], new: $0.resource)
                    }, stored: loaded.resources, registered: registered)
                var diagnostics = reading.diagnostics + self.lint(world, registered, Self.now)
                if diagnostics.hasErrors {
                    let standing = StandingErrors(self.lint(loaded.resources, registered, Self.now))
                    diagnostics = standing.softened(
                        diagnostics, but: Set(reading.resources.map(\.resource.key.description)))
                }
                guard !diagnostics.hasErrors else { throw Self.invalid(diagnostics) }
                do {
                    return try await self.write(reading, over: loaded, request, warnings: diagnostics.sorted())
                } catch StoreError.conflict where request.expectedRevision == nil {
                    continue
                }
            }
        }
    }

    private func write(
        _ reading: Reading, over loaded: Loaded, _ request: ApplyRequest, warnings: [Diagnostic]
    ) async throws -> ApplyResponse {
        let stored = Dictionary(
            try await self.store.list().resources.map { ($0.key, $0.document) }, uniquingKeysWith: { _, last in last })
        let changes = reading.resources.map { parsed in
            let key = parsed.resource.key
            let action: AppliedChange.Action =
                switch stored[key] {
                case nil: .created
                case parsed.canonicalJSON?: .unchanged
                case .some: .updated
                }
            return AppliedChange(key: key, action: action)
        }
        if request.dryRun {
            return ApplyResponse(revision: loaded.revision, dryRun: true, changes: changes, warnings: warnings)
        }
        let set = try await self.store.apply(
            reading.resources.map {
                .put(
                    $0.resource.key, document: $0.canonicalJSON, file: $0.provenance.file, line: $0.provenance.line,
                    lines: $0.resource.lines)
            }, expecting: loaded.revision, author: request.author ?? "unknown", now: Self.now)
        return ApplyResponse(revision: set.revision, dryRun: false, changes: changes, warnings: warnings)
    }

    /// Stored resources, and registered workloads where those are asked for.
    func list(
        kind: ResourceKind?, namespace: String?, registered: [RegisteredWorkload]
    ) async throws -> ResourceList {
        let listing = try await self.translating { try await self.store.list(kind: kind, namespace: namespace) }
        var views = listing.resources.map(Self.view)
        if kind == nil || kind == .workload {
            let known = Set(views.map(\.key))
            views += registered.map(Self.view).filter {
                !known.contains($0.key) && (namespace == nil || $0.key.namespace == namespace)
            }
        }
        return ResourceList(revision: listing.revision, resources: views.sorted { $0.key < $1.key })
    }

    func get(_ key: ResourceKey, registered: [RegisteredWorkload]) async throws -> ResourceView {
        if let stored = try await self.translating({ try await self.store.get(key) }) { return Self.view(stored) }
        if key.kind == .workload, let found = registered.map(Self.view).first(where: { $0.key == key }) {
            return found
        }
        throw Self.missing(key)
    }

    /// Removes a resource, unless what remains would contradict itself as it did not before. Tells what that leaves
    /// doubtful, and was not before.
    ///
    /// - Parameter force: removes it nevertheless, and tells of errors as of warnings.
    func delete(
        _ key: ResourceKey, force: Bool, registered: [Workload], permission: ChangePermission, author: String
    ) async throws -> DeleteResponse {
        try permission.check([key])
        return try await self.translating {
            while true {
                guard try await self.store.get(key) != nil else { throw Self.missing(key) }
                let loaded = try await self.load()
                try permission.check(
                    [ResourceChange(key: key, old: loaded.resources.first { $0.key == key }, new: nil)],
                    stored: loaded.resources, registered: registered)
                let before = self.lint(loaded.resources, registered, Self.now)
                let after = self.lint(loaded.resources.filter { $0.key != key }, registered, Self.now)
                let new = StandingErrors(before).new(after)
                guard force || !new.hasErrors else {
                    throw Self.invalid(
                        new, nothing: "deleted",
                        remedy: "delete or mend first what needs it, or delete it with --force")
                }
                do {
                    let set = try await self.store.apply(
                        [.delete(key)], expecting: loaded.revision, author: author, now: Self.now)
                    guard !set.changes.isEmpty else { throw Self.missing(key) }
                    let warnings = new.map(\.asWarning).sorted()
                    return DeleteResponse(
                        revision: set.revision, key: key, warnings: warnings.isEmpty ? nil : warnings)
                } catch StoreError.conflict {
                    // Others changed something between our look and our write; then we look again.
                    continue
                }
            }
        }
    }

    /// Newest first.
    func history(limit: Int) async throws -> HistoryList {
        let sets = try await self.translating { try await self.store.history(of: nil, limit: limit) }
        return HistoryList(
            entries: sets.flatMap { set in
                set.changes.map { change in
                    let action: AppliedChange.Action =
                        switch change.action {
                        case .created: .created
                        case .updated: .updated
                        case .deleted: .deleted
                        }
                    return HistoryView(
                        revision: set.revision, key: change.key, action: action, author: set.author, at: set.at,
                        document: change.resource?.document)
                }
            })
    }

    // MARK: Helpers

    /// What is written anew keeps its age: which of two rivals counts does not change.
    private static func world(_ stored: [Resource], with reading: Reading) -> [Resource] {
        let ages = Dictionary(stored.map { ($0.key, $0.metadata.createdAt) }, uniquingKeysWith: { first, _ in first })
        let new = Set(reading.resources.map(\.resource.key))
        return stored.filter { !new.contains($0.key) }
            + reading.resources.map { parsed in
                var metadata = parsed.resource.metadata
                metadata.createdAt = ages[parsed.resource.key] ?? 0
                return parsed.resource.with(metadata)
            }
    }

    private static func view(_ stored: StoredResource) -> ResourceView {
        ResourceView(
            key: stored.key, apiVersion: stored.key.kind.apiVersion, revision: stored.revision,
            createdAt: stored.createdAt, document: stored.document, file: stored.file, line: stored.line)
    }

    private static func view(_ registered: RegisteredWorkload) -> ResourceView {
        let resource = Resource.workload(registered.workload)
        return ResourceView(
            key: resource.key, apiVersion: resource.kind.apiVersion, revision: .zero, createdAt: 0,
            document: ResourceDocument.json(resource).compact, origin: .registry)
    }

    private static var now: Int64 { Int64(Date().timeIntervalSince1970) }

    private static func invalid(
        _ diagnostics: [Diagnostic], nothing done: String = "applied",
        remedy: String = "mend the documents and apply them again"
    ) -> APIError {
        let errors = diagnostics.filter { $0.severity == .error }.count
        return APIError(
            status: 422, code: .invalidConfiguration,
            message: "nothing was \(done): \(errors) \(errors == 1 ? "mistake" : "mistakes")",
            remedy: remedy, diagnostics: diagnostics.sorted())
    }

    private static func missing(_ key: ResourceKey) -> APIError {
        APIError(
            status: 404, code: .notFound, message: "there is no \(key)",
            remedy: "`weft get \(key.kind.aliases.first ?? "")` lists those there are")
    }

    /// The store's refusals, as the API tells them.
    private func translating<Value>(_ body: () async throws -> Value) async throws -> Value {
        do { return try await body() } catch let error as StoreError {
            let isConflict = if case .conflict = error { true } else { false }
            let (text, remedy) = ("\(error)", error.remedy)
            // The store's own text ends in its remedy, which has a field here.
            let cause = text.hasSuffix("; \(remedy)") ? String(text.dropLast(remedy.count + 2)) : text
            throw APIError(
                status: isConflict ? 409 : 503, code: isConflict ? .conflict : .storeUnavailable,
                message: "nothing was changed", cause: cause, remedy: remedy.isEmpty ? nil : remedy)
        }
    }
}
