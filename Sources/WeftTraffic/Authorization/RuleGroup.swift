internal import WeftMessage
internal import WeftModel

/// Rules of which it is asked whether any matches, found by what they ask for.
///
/// Each rule that asks for certain paths, header values, claims or methods stands in one index: the one in which it shares
/// its place with the fewest others. A request then meets the few rules it leads to; those that name nothing in particular
/// (only suffixes of claims that must not be there, say) are held against every request.
struct RuleGroup: Sendable {
    /// Where a rule can be found.
    private enum Dimension: Hashable {
        case path
        case header(AuthorizationHeader)
        case claim([String])
        case method
    }

    private struct Place: Hashable {
        let dimension: Dimension
        let kind: Int
        let text: [UInt8]

        init?(_ dimension: Dimension, _ pattern: CompiledText) {
            switch pattern {
            case .any: return nil
            case .exact(let text): (self.kind, self.text) = (0, text)
            case .prefix(let text): (self.kind, self.text) = (1, text)
            case .suffix(let text): (self.kind, self.text) = (2, text)
            }
            self.dimension = dimension
        }
    }

    let rules: [CompiledRule]
    /// All of them deny, or all of them allow.
    private let denies: Bool
    /// Those that no index leads to.
    private(set) var residual: [Int32] = []
    private var paths: TextIndex?
    private var methods: TextIndex?
    private var headerIndexes: [(header: AuthorizationHeader, index: TextIndex)] = []
    /// From a well-known name to `headerIndexes`; -1 is none.
    private var knownHeaders: [Int16] = []
    private var otherHeaders = ByteTable()
    private var claimIndexes: [(path: [String], index: TextIndex)] = []
    /// To `claimIndexes`, by the first name of their paths.
    private var claimRoots: [String: [Int]] = [:]

    init(_ rules: [CompiledRule], denies: Bool) {
        self.rules = rules
        self.denies = denies
        var shared: [Place: Int] = [:]
        let options = rules.map(Self.options)
        for place in options.joined().joined() { shared[place, default: 0] += 1 }
        for (index, options) in options.enumerated() where !rules[index].isUnconditional {
            let costs = options.map { $0.reduce(0) { $0 + shared[$1, default: 0] } }
            guard let least = costs.min(), let best = costs.firstIndex(of: least) else {
                self.residual.append(Int32(index))
                continue
            }
            for place in options[best] { self.add(Int32(index), at: place) }
        }
    }

    var isEmpty: Bool { self.rules.isEmpty }

    /// The ways of finding a rule, each by some places, of which a request that matches leads to one at least.
    private static func options(of rule: CompiledRule) -> [[Place]] {
        var options: [[Place]] = []
        func add(_ dimension: Dimension, _ patterns: [CompiledText]) {
            let places = patterns.compactMap { Place(dimension, $0) }
            if !patterns.isEmpty, places.count == patterns.count { options.append(Array(Set(places))) }
        }
        if rule.operations.allSatisfy({ !$0.paths.isEmpty }) { add(.path, rule.operations.flatMap(\.paths)) }
        for condition in rule.conditions {
            switch condition.subject {
            case .header(let header, let folded): add(.header(rule.denies ? folded : header), condition.values)
            case .claim(let path): if !path.isEmpty { add(.claim(path), condition.values) }
            }
        }
        if rule.operations.allSatisfy({ !$0.methods.isEmpty }) {
            let methods = rule.operations.flatMap(\.methods)
            add(.method, methods.map { .exact(rule.denies ? $0.map(AuthorizationRequest.capital) : $0) })
        }
        return options
    }

    private mutating func add(_ rule: Int32, at place: Place) {
        let pattern: CompiledText =
            switch place.kind {
            case 0: .exact(place.text)
            case 1: .prefix(place.text)
            default: .suffix(place.text)
            }
        switch place.dimension {
        case .path:
            var index = self.paths ?? TextIndex()
            self.paths = nil
            _ = index.add(rule, under: pattern)
            self.paths = index
        case .method:
            var index = self.methods ?? TextIndex()
            self.methods = nil
            _ = index.add(rule, under: pattern)
            self.methods = index
        case .header(let header):
            let number = self.number(of: header)
            _ = self.headerIndexes[number].index.add(rule, under: pattern)
        case .claim(let path):
            let number = self.number(of: path)
            _ = self.claimIndexes[number].index.add(rule, under: pattern)
        }
    }

    private mutating func number(of header: AuthorizationHeader) -> Int {
        if let known = self.headerIndexes.firstIndex(where: { $0.header == header }) { return known }
        let number = self.headerIndexes.count
        self.headerIndexes.append((header, TextIndex()))
        if header.name == .other || header.hasSpellings {
            _ = self.otherHeaders.value(for: header.text, orInsert: number)
        }
        if header.name != .other {
            if self.knownHeaders.isEmpty { self.knownHeaders = Array(repeating: -1, count: 256) }
            self.knownHeaders[Int(header.name.rawValue)] = Int16(truncatingIfNeeded: number)
        }
        return number
    }

    private mutating func number(of path: [String]) -> Int {
        if let known = self.claimIndexes.firstIndex(where: { $0.path == path }) { return known }
        self.claimIndexes.append((path, TextIndex()))
        self.claimRoots[path[0], default: []].append(self.claimIndexes.count - 1)
        return self.claimIndexes.count - 1
    }

    // MARK: Binding

    /// What of a group concerns one connection.
    struct Bound: Sendable {
        /// Rules that match whatever is asked for.
        var always: [Int32] = []
        /// All others that may match, where they are few.
        var few: [Int32]?
        /// A bit for each rule that may match, where they are many.
        var bits: [UInt64] = []
        /// Those of them that no index leads to.
        var residual: [Int32] = []

        func contains(_ rule: Int32) -> Bool {
            self.bits[Int(rule) >> 6] & (1 << UInt64(truncatingIfNeeded: rule & 63)) != 0
        }
    }

    /// Up to here they are tried one by one.
    private static let fewest = 8

    /// `sources` says of each list of sources whether it holds the caller.
    func bind(_ sources: [Bool]) -> Bound {
        var bound = Bound()
        var possible: [Int32] = []
        for (index, rule) in self.rules.enumerated() where rule.sources.map({ sources[$0] }) ?? true {
            if rule.isUnconditional {
                bound.always.append(Int32(index))
            } else {
                possible.append(Int32(index))
            }
        }
        if possible.count <= Self.fewest {
            bound.few = possible
            return bound
        }
        bound.bits = Array(repeating: 0, count: (self.rules.count + 63) / 64)
        for rule in possible { bound.bits[Int(rule) >> 6] |= 1 << UInt64(truncatingIfNeeded: rule & 63) }
        bound.residual = self.residual.filter { bound.contains($0) }
        return bound
    }

    // MARK: Requests

    /// A rule that matches; nil where none does.
    func first(_ bound: Bound, _ request: AuthorizationRequest) -> CompiledRule? {
        if let always = bound.always.first { return self.rules[Int(always)] }
        var found: CompiledRule?
        self.visit(bound, request) { rule in
            found = rule
            return true
        }
        return found
    }

    /// Shows `body` the rules that match, some more than once, until it answers true.
    func visit(
        _ bound: Bound, _ request: AuthorizationRequest, _ body: (CompiledRule) -> Bool
    ) {
        for always in bound.always where body(self.rules[Int(always)]) { return }
        if let few = bound.few {
            for index in few {
                let rule = self.rules[Int(index)]
                if rule.matches(request), body(rule) { return }
            }
            return
        }
        for index in bound.residual {
            let rule = self.rules[Int(index)]
            if rule.matches(request), body(rule) { return }
        }
        _ = self.candidates(request) { index in
            guard bound.contains(index) else { return false }
            let rule = self.rules[Int(index)]
            return rule.matches(request) && body(rule)
        }
    }

    private func candidates(_ request: AuthorizationRequest, _ body: (Int32) -> Bool) -> Bool {
        if let paths = self.paths {
            if paths.first(of: request.path, where: body) { return true }
            if self.denies, let plain = request.plainPath, paths.first(of: plain, where: body) { return true }
        }
        if !self.headerIndexes.isEmpty, self.headers(request.head.headers, body) { return true }
        if let methods = self.methods, let index = request.head.headers.firstIndex(of: .method),
            request.head.headers.withValue(at: index, { self.isFound($0, methods, body) })
        {
            return true
        }
        guard !self.claimIndexes.isEmpty, let claims = request.claims, case .object(let members) = claims.members
        else { return false }
        for name in members.keys {
            for number in self.claimRoots[name] ?? [] {
                let (path, index) = self.claimIndexes[number]
                for var text in claims.texts(at: path)
                where text.withUTF8({ index.first(of: UnsafeRawBufferPointer($0), where: body) }) {
                    return true
                }
            }
        }
        return false
    }

    /// Denials stand under their methods in capitals.
    private func isFound(_ method: UnsafeRawBufferPointer, _ methods: TextIndex, _ body: (Int32) -> Bool) -> Bool {
        guard self.denies, method.contains(where: { AuthorizationRequest.capital($0) != $0 }) else {
            return methods.first(of: method, where: body)
        }
        return withUnsafeTemporaryAllocation(byteCount: method.count, alignment: 1) { capitals in
            for index in 0..<method.count { capitals[index] = AuthorizationRequest.capital(method[index]) }
            return methods.first(of: UnsafeRawBufferPointer(rebasing: capitals[..<method.count]), where: body)
        }
    }

    private func headers(_ headers: HeaderBlock, _ body: (Int32) -> Bool) -> Bool {
        for position in 0..<headers.fields.count {
            let name = headers.fields[position].name
            let number: Int?
            if name == .other {
                number = headers.withName(at: position) { self.number(ofOther: $0) }
            } else {
                number = self.knownHeaders.isEmpty ? nil : Int(self.knownHeaders[Int(name.rawValue)])
            }
            guard let number, number >= 0 else { continue }
            let (header, index) = self.headerIndexes[number]
            // A repeated header is one value, looked at once.
            guard header.index(in: headers, from: 0) == position else { continue }
            let isFound =
                self.denies
                ? header.anyReading(in: headers) { index.first(of: $0, where: body) }
                : header.withValue(in: headers) { value in value.map { index.first(of: $0, where: body) } ?? false }
            if isFound { return true }
        }
        return false
    }

    private func number(ofOther name: UnsafeRawBufferPointer) -> Int? {
        guard self.denies, name.contains(UInt8(ascii: "_")) else { return self.otherHeaders.value(of: name) }
        return withUnsafeTemporaryAllocation(byteCount: name.count, alignment: 1) { folded in
            for index in 0..<name.count {
                folded[index] = name[index] == UInt8(ascii: "_") ? UInt8(ascii: "-") : name[index]
            }
            return self.otherHeaders.value(of: UnsafeRawBufferPointer(rebasing: folded[..<name.count]))
        }
    }
}
