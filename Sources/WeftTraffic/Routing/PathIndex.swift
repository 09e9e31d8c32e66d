internal import WeftMessage
internal import WeftModel

/// The routes of one virtual host, found by path.
///
/// A running hash of the path serves every question: at each `/` it names a prefix, at the end an exact path.
struct PathIndex: Sendable {
    private var exact = ByteTable()
    private var prefixes = ByteTable()
    /// Candidates by list number; in order of their routes.
    private var lists: [CandidateTree] = []
    /// The list of those that match every path, `/` as prefix.
    private var everywhere: Int?
    /// The longest path element count of a prefix, so that a long path costs no more.
    private var maxElements = 0

    /// `routes` in order, each with its match.
    init(_ routes: [Candidate]) {
        var lists: [[Candidate]] = []
        for candidate in routes { self.add(candidate, to: &lists) }
        self.lists = lists.map { CandidateTree($0) }
    }

    private mutating func add(_ candidate: Candidate, to lists: inout [[Candidate]]) {
        switch candidate.route.route.match.path {
        case .exact(let path):
            self.append(candidate, to: self.exact.value(for: Array(path.utf8), orInsert: lists.count), &lists)
        case .prefix(let prefix):
            self.add(candidate, under: Array(prefix.utf8), &lists)
        case .regularExpression:
            // Found by the whole elements of the literal with which every match begins.
            let literal = candidate.match.literalPrefix ?? []
            self.add(candidate, under: Array(literal[..<(literal.lastIndex(of: UInt8(ascii: "/")) ?? 0)]), &lists)
        }
    }

    private mutating func add(_ candidate: Candidate, under prefix: [UInt8], _ lists: inout [[Candidate]]) {
        var prefix = prefix
        while prefix.last == UInt8(ascii: "/") { prefix.removeLast() }
        guard !prefix.isEmpty else {
            let list = self.everywhere ?? lists.count
            self.everywhere = list
            return self.append(candidate, to: list, &lists)
        }
        self.maxElements = max(self.maxElements, prefix.count { $0 == UInt8(ascii: "/") })
        self.append(candidate, to: self.prefixes.value(for: prefix, orInsert: lists.count), &lists)
    }

    private func append(_ candidate: Candidate, to list: Int, _ lists: inout [[Candidate]]) {
        if list == lists.count { lists.append([]) }
        lists[list].append(candidate)
    }

    /// `target` is the path with its query.
    func match(
        _ target: UnsafeRawBufferPointer, _ head: borrowing RequestHead, steps: inout MatchSteps
    ) -> CompiledRoute? {
        var pathCount = 0
        while pathCount < target.count, target[pathCount] != UInt8(ascii: "?"), target[pathCount] != UInt8(ascii: "#") {
            pathCount += 1
        }
        let path = UnsafeRawBufferPointer(rebasing: target[..<pathCount])
        let query = UnsafeRawBufferPointer(rebasing: target[min(target.count, pathCount + 1)...])
        var best: CompiledRoute?
        if let everywhere = self.everywhere {
            self.lists[everywhere].first(&best, path: path, query: query, head: head, steps: &steps)
        }
        if self.prefixes.isEmpty && self.exact.isEmpty { return best }
        var hash = ByteTable.seed
        var elements = 0
        for position in 0..<pathCount {
            let byte = path[position]
            if byte == UInt8(ascii: "/") {
                if position > 0, elements <= self.maxElements {
                    steps.lookups += 1
                    if let list = self.prefixes.value(hash, path, count: position) {
                        self.lists[list].first(&best, path: path, query: query, head: head, steps: &steps)
                    }
                }
                elements += 1
            }
            hash = ByteTable.step(hash, byte)
        }
        steps.lookups += 2
        if elements <= self.maxElements, let list = self.prefixes.value(hash, path, count: pathCount) {
            self.lists[list].first(&best, path: path, query: query, head: head, steps: &steps)
        }
        if let list = self.exact.value(hash, path, count: pathCount) {
            self.lists[list].first(&best, path: path, query: query, head: head, steps: &steps)
        }
        return best
    }
}

/// A route with its conditions made ready. A class, so that walking a list copies nothing.
final class Candidate: Sendable {
    let match: CompiledMatch
    let route: CompiledRoute

    init(match: CompiledMatch, route: CompiledRoute) {
        self.match = match
        self.route = route
    }
}

/// How much work a match took: what has to stay the same however many routes there are.
package struct MatchSteps: Hashable, Sendable {
    /// Routes whose conditions were held against the request.
    package internal(set) var candidates = 0
    /// Look-ups in a table: of a host, an element of the path, a header's or parameter's value.
    package internal(set) var lookups = 0

    package init() {}

    package var total: Int { self.candidates + self.lookups }
}
