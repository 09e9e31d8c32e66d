package import WeftModel

/// The change sets after a revision, one at a time, in order, each exactly once.
///
/// It holds a position and asks the store for what comes after it. A slow watcher therefore costs the store nothing,
/// and none is ever skipped.
package struct ChangeWatch: AsyncSequence, Sendable {
    package typealias Element = ChangeSet
    package typealias Failure = StoreError

    /// Some change sets after a revision, oldest first, waiting until there is one; empty when there will be none.
    package typealias Source = @Sendable (Revision) async throws(StoreError) -> [ChangeSet]

    private let start: Revision
    private let source: Source

    package init(from start: Revision, source: @escaping Source) {
        self.start = start
        self.source = source
    }

    package func makeAsyncIterator() -> Iterator { Iterator(position: self.start, source: self.source) }

    package struct Iterator: AsyncIteratorProtocol {
        package typealias Element = ChangeSet
        package typealias Failure = StoreError

        fileprivate var position: Revision
        fileprivate let source: Source
        private var pending: ArraySlice<ChangeSet> = []

        fileprivate init(position: Revision, source: @escaping Source) {
            self.position = position
            self.source = source
        }

        package mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws(StoreError) -> ChangeSet? {
            if self.pending.isEmpty { self.pending = try await self.source(self.position)[...] }
            guard let next = self.pending.popFirst() else { return nil }
            self.position = next.revision
            return next
        }
    }
}
