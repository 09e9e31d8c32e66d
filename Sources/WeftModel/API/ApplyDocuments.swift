/// `POST /v1/apply`: documents that land together or not at all.
package struct ApplyRequest: Hashable, Sendable, Codable {
    /// In the order given; a file may hold several YAML documents.
    package var documents: [APIDocument]
    /// Checks and reports what would change, and changes nothing.
    package var dryRun: Bool
    /// Who to name in the history; the caller's own name where nil.
    package var author: String?
    /// Refuses with `conflict` when the store is at another revision; nil applies at any.
    package var expectedRevision: Revision?

    package init(
        documents: [APIDocument], dryRun: Bool = false, author: String? = nil, expectedRevision: Revision? = nil
    ) {
        self.documents = documents
        self.dryRun = dryRun
        self.author = author
        self.expectedRevision = expectedRevision
    }

    /// Only `documents` must be there.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            documents: try container.decode([APIDocument].self, forKey: .documents),
            dryRun: try container.decodeIfPresent(Bool.self, forKey: .dryRun) ?? false,
            author: try container.decodeIfPresent(String.self, forKey: .author),
            expectedRevision: try container.decodeIfPresent(Revision.self, forKey: .expectedRevision))
    }
}

/// The text of one file.
package struct APIDocument: Hashable, Sendable, Codable {
    /// How messages name it: the path the operator typed, or `-`.
    package var file: String
    /// YAML or JSON.
    package var text: String

    package init(file: String, text: String) {
        self.file = file
        self.text = text
    }
}

/// The answer to an apply that landed, or that would.
package struct ApplyResponse: Hashable, Sendable, Codable {
    /// The revision that holds the change; the present one when nothing changed or for a dry run.
    package var revision: Revision
    package var dryRun: Bool
    /// One for each resource of the documents, in their order.
    package var changes: [AppliedChange]
    package var warnings: [Diagnostic]

    package init(revision: Revision, dryRun: Bool, changes: [AppliedChange], warnings: [Diagnostic]) {
        self.revision = revision
        self.dryRun = dryRun
        self.changes = changes
        self.warnings = warnings
    }
}

/// What became of one resource.
package struct AppliedChange: Hashable, Sendable, Codable {
    package var key: ResourceKey
    package var action: Action

    package init(key: ResourceKey, action: Action) {
        self.key = key
        self.action = action
    }

    package enum Action: String, Hashable, Sendable, Codable, CaseIterable {
        case created
        case updated
        case unchanged
        case deleted
    }
}
