/// One resource as the API shows it.
package struct ResourceView: Hashable, Sendable, Codable {
    package var key: ResourceKey
    package var apiVersion: String
    /// The revision that last wrote it; zero for what the registry holds.
    package var revision: Revision
    /// Seconds since 1970.
    package var createdAt: Int64
    /// The document, as canonical JSON text.
    package var document: String
    /// The file it was applied from; nil when it came without one.
    package var file: String?
    package var line: Int?
    package var origin: Origin
    /// What became of a route, for each of its parents; nil for other kinds, and while it is not compiled yet.
    package var status: [RouteParentStatus]?
    /// What keeps the resource from being followed as it was meant; nil for nothing.
    package var problems: [Diagnostic]?

    package init(
        key: ResourceKey, apiVersion: String, revision: Revision, createdAt: Int64, document: String,
        file: String? = nil, line: Int? = nil, origin: Origin = .store,
        status: [RouteParentStatus]? = nil
    ) {
        self.status = status
        self.key = key
        self.apiVersion = apiVersion
        self.revision = revision
        self.createdAt = createdAt
        self.document = document
        self.file = file
        self.line = line
        self.origin = origin
    }

    package enum Origin: String, Hashable, Sendable, Codable, CaseIterable {
        /// An operator applied it.
        case store
        /// A proxy registered it.
        case registry
    }
}

/// `GET /v1/resources`: sorted by key.
package struct ResourceList: Hashable, Sendable, Codable {
    package var revision: Revision
    package var resources: [ResourceView]

    package init(revision: Revision, resources: [ResourceView]) {
        self.revision = revision
        self.resources = resources
    }
}

/// The answer to a `DELETE` that landed.
package struct DeleteResponse: Hashable, Sendable, Codable {
    package var revision: Revision
    package var key: ResourceKey
    /// What is doubtful without it, and was not before; nil for nothing.
    package var warnings: [Diagnostic]?

    package init(revision: Revision, key: ResourceKey, warnings: [Diagnostic]? = nil) {
        self.revision = revision
        self.key = key
        self.warnings = warnings
    }
}

/// `GET /v1/history`: newest first.
package struct HistoryList: Hashable, Sendable, Codable {
    package var entries: [HistoryView]

    package init(entries: [HistoryView]) { self.entries = entries }
}

/// One change of one resource in the store's history.
package struct HistoryView: Hashable, Sendable, Codable {
    package var revision: Revision
    package var key: ResourceKey
    /// `created`, `updated` or `deleted`.
    package var action: AppliedChange.Action
    package var author: String
    /// Seconds since 1970.
    package var at: Int64
    /// The document after the change, as canonical JSON text; nil for a deletion.
    package var document: String?

    package init(
        revision: Revision, key: ResourceKey, action: AppliedChange.Action, author: String, at: Int64,
        document: String? = nil
    ) {
        self.revision = revision
        self.key = key
        self.action = action
        self.author = author
        self.at = at
        self.document = document
    }
}
