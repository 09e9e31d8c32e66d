package import WeftModel

/// Keeps what operators wrote: versioned, transactional, watchable. It does not know what resources mean.
///
/// Every implementation passes the conformance suite in `Tests/WeftStoreTests/Conformance`.
package protocol ResourceStore: Sendable {
    /// Applies all mutations as one revision, or none.
    ///
    /// Returns once the change would survive a crash. A document that is stored already, byte for byte, and the removal
    /// of what is not there change nothing; when nothing changes, no revision is made and the answer has the current one.
    ///
    /// - Parameters:
    ///   - mutations: at most one for each key.
    ///   - expecting: the revision the caller based its decision on; nil takes any. Another one is
    ///     `StoreError.conflict`.
    ///   - author: who asked, for the history.
    ///   - now: seconds since 1970, for the history and `StoredResource.createdAt`.
    func apply(
        _ mutations: [Mutation], expecting: Revision?, author: String, now: Int64
    ) async throws(StoreError) -> ChangeSet

    /// The newest revision; zero before the first change.
    func revision() async throws(StoreError) -> Revision

    func get(_ key: ResourceKey) async throws(StoreError) -> StoredResource?

    /// The resources of one revision, sorted by key. Nil takes every kind or namespace.
    func list(kind: ResourceKind?, namespace: String?) async throws(StoreError) -> ResourceListing

    /// Past changes that were not compacted, newest first. With a key, only sets that changed it, reduced to it.
    ///
    /// - Parameter limit: how many sets at most.
    func history(of key: ResourceKey?, limit: Int) async throws(StoreError) -> [ChangeSet]

    /// Every change set after `revision`, in order, each exactly once, those of the past first. It ends when the store
    /// closes or the watching task is cancelled. Where one of them was compacted it throws `StoreError.compacted`: list
    /// anew, and watch from there.
    func watch(from revision: Revision) -> ChangeWatch

    /// Forgets change sets that are not kept, in one transaction. The newest always stays, and so does what resources
    /// are now.
    ///
    /// - Parameter now: seconds since 1970.
    /// - Returns: the newest revision whose change set is forgotten; zero while all are there.
    func compact(_ retention: HistoryRetention, now: Int64) async throws(StoreError) -> Revision
}

extension ResourceStore {
    package func apply(_ mutations: [Mutation], author: String, now: Int64) async throws(StoreError) -> ChangeSet {
        try await self.apply(mutations, expecting: nil, author: author, now: now)
    }

    package func list(kind: ResourceKind? = nil) async throws(StoreError) -> ResourceListing {
        try await self.list(kind: kind, namespace: nil)
    }
}
