internal import WeftModel

/// Decides which entries a process is entitled to.
package enum WorkloadAttestation {
    /// The entries all of whose selectors hold; the most specific first, then by name, so that the first, which is the
    /// caller's default identity, stays the same.
    ///
    /// Hints are unique: of several entries with one hint the first keeps it.
    package static func entries(of process: ProcessFacts, among entries: [AgentEntry]) -> [AgentEntry] {
        let matching = entries.filter { entry in
            !entry.selectors.isEmpty && entry.selectors.allSatisfy { self.holds($0, for: process) }
        }
        var hints: Set<String> = []
        return matching.sorted { ($1.selectors.count, $0.id) < ($0.selectors.count, $1.id) }.map { entry in
            var entry = entry
            if !entry.hint.isEmpty, !hints.insert(entry.hint).inserted { entry.hint = "" }
            return entry
        }
    }

    private static func holds(_ selector: ProcessSelector, for process: ProcessFacts) -> Bool {
        switch selector {
        case .uid(let uid): process.uid == uid
        case .gid(let gid): process.gid == gid
        case .path(let path): process.path == path
        case .unit(let unit): process.unit == unit
        case .user(let user): process.user == user
        }
    }
}
