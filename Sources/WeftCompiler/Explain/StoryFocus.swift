internal import WeftModel

/// Which of the calls that bear one id a story's headline and cause are about.
///
/// One id may have several calls that nothing joins: an application that serves nobody and sends the same id with each.
struct StoryFocus {
    /// The call whose outcome the story tells.
    let root: RequestStory.Hop
    /// The one whose cause is told: the root, or what was searched for and failed though the root went well.
    let hop: RequestStory.Hop
    /// How many calls there were that nothing joins.
    let roots: Int

    /// Nil where there are no calls.
    init?(_ hops: StoryHops, _ wanted: RecordFilter) {
        let roots = hops.roots
        func meant(_ root: RequestStory.Hop) -> [RequestStory.Hop] {
            hops.tree(of: root).filter { Self.records(of: $0).contains(where: wanted.matches) }
        }
        let isSearch = wanted != RecordFilter()
        let found = isSearch ? roots.filter { !meant($0).isEmpty } : []
        let candidates = found.isEmpty ? roots : found
        let failed = candidates.first(where: Self.isFailed) ?? candidates.first { Self.status(of: $0) >= 400 }
        guard let root = failed ?? candidates.first else { return nil }
        self.root = root
        self.roots = roots.count
        // What was searched for may have failed below a call that was answered all the same.
        let below = isSearch && failed == nil ? meant(root).first(where: Self.isFailed) : nil
        self.hop = below ?? root
    }

    private static func records(of hop: RequestStory.Hop) -> [HopRecord] {
        (hop.outbound.map { [$0] } ?? []) + hop.inbound
    }

    private static func isFailed(_ hop: RequestStory.Hop) -> Bool {
        (hop.outbound ?? hop.inbound.first)?.isFailed ?? false
    }

    private static func status(of hop: RequestStory.Hop) -> Int {
        (hop.outbound ?? hop.inbound.first)?.status ?? 0
    }
}
