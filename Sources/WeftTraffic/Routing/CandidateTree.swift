internal import WeftMessage
internal import WeftModel

/// The routes of one path, in order, found by a header or query parameter that they want exactly.
///
/// Each route stands in one place: under the value of the condition that tells most routes apart, or, having none, in a list
/// that is walked. What is found is still held against the whole request, so that a place may promise too much but never
/// too little.
struct CandidateTree: Sendable {
    /// Up to this many are walked: a table would cost more.
    private static let walkable = 4

    /// Held against the request one by one.
    private var walked: [Candidate] = []
    private var headers: Branches?
    private var parameters: Branches?
    /// The first route's number; a match before it makes the tree uninteresting.
    private var firstIndex = Int.max

    /// `candidates` in order.
    init(_ candidates: [Candidate]) { self.init(candidates, without: []) }

    private init(_ candidates: [Candidate], without used: Set<Condition.Key>) {
        self.firstIndex = candidates.first?.route.index ?? .max
        guard candidates.count > Self.walkable else {
            self.walked = candidates
            return
        }
        var values: [Condition.Key: Set<[UInt8]?>] = [:]
        let conditions = candidates.map { $0.match.conditions.filter { !used.contains($0.key) } }
        for condition in conditions.joined() { values[condition.key, default: []].insert(condition.value) }
        var headers: [Condition.Key: [(value: [UInt8]?, candidate: Candidate)]] = [:]
        var parameters: [Condition.Key: [(value: [UInt8]?, candidate: Candidate)]] = [:]
        for (candidate, conditions) in zip(candidates, conditions) {
            // A condition without a value, a mere presence, tells least apart.
            let best = conditions.max { left, right in
                (left.value == nil ? 0 : 1, values[left.key]?.count ?? 0)
                    < (right.value == nil ? 0 : 1, values[right.key]?.count ?? 0)
            }
            switch best?.key {
            case nil: self.walked.append(candidate)
            case .header(let name): headers[.header(name), default: []].append((best?.value, candidate))
            case .parameter(let name): parameters[.parameter(name), default: []].append((best?.value, candidate))
            }
        }
        self.headers = Branches(headers, without: used)
        self.parameters = Branches(parameters, without: used)
    }

    /// Puts the first candidate that matches and comes before `best` there.
    func first(
        _ best: inout CompiledRoute?, path: UnsafeRawBufferPointer, query: UnsafeRawBufferPointer,
        head: borrowing RequestHead, steps: inout MatchSteps
    ) {
        let limit = best?.index ?? .max
        guard self.firstIndex < limit else { return }
        for candidate in self.walked {
            if candidate.route.index > limit { break }
            steps.candidates += 1
            if candidate.match.matches(path: path, query: query, head: head) {
                best = candidate.route
                break
            }
        }
        self.headers?.eachHeader(of: head.headers, steps: &steps) { tree, steps in
            tree.first(&best, path: path, query: query, head: head, steps: &steps)
        }
        self.parameters?.eachParameter(of: query, steps: &steps) { tree, steps in
            tree.first(&best, path: path, query: query, head: head, steps: &steps)
        }
    }
}

/// One thing that a route wants of a header or query parameter.
struct Condition: Hashable, Sendable {
    enum Key: Hashable, Sendable {
        /// In lower case; `host` is `:authority`.
        case header([UInt8])
        case parameter([UInt8])
    }

    var key: Key
    /// Nil wants it to be there, with a value that has to be looked at.
    var value: [UInt8]?
}

/// Trees by the names and values of headers, or of query parameters.
private final class Branches: Sendable {
    private struct Branch: Sendable {
        var name: [UInt8]
        /// To `trees`.
        var values = ByteTable()
        /// Of those that want any value.
        var present: Int?
    }

    private let names: ByteTable
    private let branches: [Branch]
    private let trees: [CandidateTree]

    /// Nil when there is nothing to branch by.
    init?(
        _ groups: [Condition.Key: [(value: [UInt8]?, candidate: Candidate)]], without used: Set<Condition.Key>
    ) {
        if groups.isEmpty { return nil }
        var names = ByteTable()
        var branches: [Branch] = []
        var trees: [CandidateTree] = []
        for (key, members) in groups {
            let name: [UInt8] =
                switch key {
                case .header(let name), .parameter(let name): name
                }
            var branch = Branch(name: name)
            var lists: [[Candidate]] = []
            for member in members {
                let list: Int
                if let value = member.value {
                    list = branch.values.value(for: value, orInsert: trees.count + lists.count)
                } else {
                    list = branch.present ?? trees.count + lists.count
                    branch.present = list
                }
                if list == trees.count + lists.count { lists.append([]) }
                lists[list - trees.count].append(member.candidate)
            }
            trees += lists.map { CandidateTree($0, below: used.union([key])) }
            _ = names.value(for: name, orInsert: branches.count)
            branches.append(branch)
        }
        self.names = names
        self.branches = branches
        self.trees = trees
    }

    /// Calls `body` with each tree that the request's headers lead to.
    func eachHeader(
        of headers: HeaderBlock, steps: inout MatchSteps, _ body: (CandidateTree, inout MatchSteps) -> Void
    ) {
        for index in 0..<headers.count {
            steps.lookups += 1
            guard let number = headers.withName(at: index, { self.names.value(of: $0) }) else { continue }
            let branch = self.branches[number]
            // A repeated header counts once, as one list.
            guard Self.next(branch.name, in: headers, from: 0) == index else { continue }
            if let present = branch.present { body(self.trees[present], &steps) }
            if branch.values.isEmpty { continue }
            steps.lookups += 1
            let tree: Int? =
                if Self.next(branch.name, in: headers, from: index + 1) != nil {
                    CompiledMatch.joined(branch.name, in: headers).withUnsafeBytes { branch.values.value(of: $0) }
                } else {
                    headers.withValue(at: index) { branch.values.value(of: $0) }
                }
            if let tree { body(self.trees[tree], &steps) }
        }
    }

    private static func next(_ name: [UInt8], in headers: HeaderBlock, from start: Int) -> Int? {
        var index = start
        while index < headers.count {
            if headers.withName(at: index, { $0.count == name.count && $0.elementsEqual(name) }) { return index }
            index += 1
        }
        return nil
    }

    /// The same for its query; of a parameter that stands twice the first counts.
    func eachParameter(
        of query: UnsafeRawBufferPointer, steps: inout MatchSteps, _ body: (CandidateTree, inout MatchSteps) -> Void
    ) {
        if query.isEmpty { return }
        withUnsafeTemporaryAllocation(of: Bool.self, capacity: self.branches.count) { seen in
            seen.initialize(repeating: false)
            QueryParameters.forEach(in: query) { name, value in
                steps.lookups += 1
                guard let number = PercentCoding.withDecoded(name, { self.names.value(of: $0) }), !seen[number] else {
                    return
                }
                seen[number] = true
                let branch = self.branches[number]
                if let present = branch.present { body(self.trees[present], &steps) }
                if branch.values.isEmpty { return }
                steps.lookups += 1
                if let tree = PercentCoding.withDecoded(value, { branch.values.value(of: $0) }) {
                    body(self.trees[tree], &steps)
                }
            }
        }
    }
}

extension CandidateTree {
    fileprivate init(_ candidates: [Candidate], below used: Set<Condition.Key>) {
        self.init(candidates, without: used)
    }
}
