package import WeftModel

/// One resource as it is stored.
package struct StoredResource: Hashable, Sendable {
    package var key: ResourceKey
    /// The revision that wrote this document.
    package var revision: Revision
    /// When the key was first stored, seconds since 1970; an update keeps it.
    package var createdAt: Int64
    /// The document, in whatever form its writer gave it.
    package var document: String
    /// The file it was read from; nil when it came without one.
    package var file: String?
    /// Its first line in that file, from 1.
    package var line: Int?
    /// Where in that file its parts stand, by the path of each; empty where nobody said.
    package var lines: [String: Int]

    package init(
        key: ResourceKey, revision: Revision, createdAt: Int64, document: String, file: String? = nil,
        line: Int? = nil, lines: [String: Int] = [:]
    ) {
        self.key = key
        self.revision = revision
        self.createdAt = createdAt
        self.document = document
        self.file = file
        self.line = line
        self.lines = lines
    }

    package var provenance: Provenance {
        Provenance(resource: self.key, revision: self.revision, file: self.file, line: self.line)
    }
}

/// All resources at one revision: what a watch continues from.
package struct ResourceListing: Hashable, Sendable {
    package var revision: Revision
    /// Sorted by key.
    package var resources: [StoredResource]

    package init(revision: Revision, resources: [StoredResource]) {
        self.revision = revision
        self.resources = resources
    }
}

/// One change an operator asks for.
package enum Mutation: Hashable, Sendable {
    case put(ResourceKey, document: String, file: String? = nil, line: Int? = nil, lines: [String: Int] = [:])
    case delete(ResourceKey)

    package var key: ResourceKey {
        switch self {
        case .put(let key, _, _, _, _), .delete(let key): key
        }
    }
}

/// What one revision changed.
package struct ChangeSet: Hashable, Sendable {
    package var revision: Revision
    package var author: String
    /// Seconds since 1970.
    package var at: Int64
    /// In the order of the mutations; what changed nothing is left out.
    package var changes: [Change]

    package init(revision: Revision, author: String, at: Int64, changes: [Change]) {
        self.revision = revision
        self.author = author
        self.at = at
        self.changes = changes
    }
}

/// What happened to one resource.
package struct Change: Hashable, Sendable {
    package enum Action: String, Hashable, Sendable, Codable {
        case created, updated, deleted
    }

    package var key: ResourceKey
    package var action: Action
    /// The resource after the change; nil once deleted.
    package var resource: StoredResource?

    package init(key: ResourceKey, action: Action, resource: StoredResource?) {
        self.key = key
        self.action = action
        self.resource = resource
    }
}
