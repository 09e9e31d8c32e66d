internal import WeftMessage
internal import WeftModel

/// The routes of one virtual host, found by path.
///
/// A running hash of the path serves every question: at each `/` it names a prefix, at the end an exact path.
struct PathIndex: Sendable {
    /// A class, so that walking a list copies nothing.
    private final class Candidate: Sendable {
        let match: CompiledMatch
        let route: CompiledRoute

        init(match: CompiledMatch, route: CompiledRoute) {
            self.match = match
            self.route = route
        }
    }

    private var exact = PathHashTable()
    private var prefixes = PathHashTable()
    /// Candidates by list number; in order of their routes.
    private var lists: [[Candidate]] = []
    /// The list of those that match every path, `/` as prefix.
    private var everywhere: Int?
    /// The longest path element count of a prefix, so that a long path costs no more.
    private var maxElements = 0

    mutating func add(_ route: CompiledRoute, problems: inout [String]) {
        let match = CompiledMatch(route.route.match, problems: &problems)
        let candidate = Candidate(match: match, route: route)
        switch route.route.match.path {
        case .exact(let path):
            let list = self.exact.value(for: Array(path.utf8), orInsert: self.lists.count)
            self.append(candidate, to: list)
        case .prefix(let prefix):
            self.add(candidate, under: Array(prefix.utf8))
        case .regularExpression:
            // Found by the whole elements of the literal with which every match begins.
            let literal = match.literalPrefix ?? []
            self.add(candidate, under: Array(literal[..<(literal.lastIndex(of: UInt8(ascii: "/")) ?? 0)]))
        }
    }

    private mutating func add(_ candidate: Candidate, under prefix: [UInt8]) {
        var prefix = prefix
        while prefix.last == UInt8(ascii: "/") { prefix.removeLast() }
        guard !prefix.isEmpty else {
            let list = self.everywhere ?? self.lists.count
            self.everywhere = list
            return self.append(candidate, to: list)
        }
        self.maxElements = max(self.maxElements, prefix.count { $0 == UInt8(ascii: "/") })
        self.append(candidate, to: self.prefixes.value(for: prefix, orInsert: self.lists.count))
    }

    private mutating func append(_ candidate: Candidate, to list: Int) {
        if list == self.lists.count { self.lists.append([]) }
        self.lists[list].append(candidate)
    }

    /// `target` is the path with its query.
    func match(_ target: UnsafeRawBufferPointer, _ head: borrowing RequestHead) -> CompiledRoute? {
        var pathCount = 0
        while pathCount < target.count, target[pathCount] != UInt8(ascii: "?"), target[pathCount] != UInt8(ascii: "#") {
            pathCount += 1
        }
        let path = UnsafeRawBufferPointer(rebasing: target[..<pathCount])
        let query = UnsafeRawBufferPointer(rebasing: target[min(target.count, pathCount + 1)...])
        var best: CompiledRoute?
        if let everywhere = self.everywhere {
            best = self.first(in: everywhere, before: best, path: path, query: query, head: head)
        }
        if self.prefixes.isEmpty && self.exact.isEmpty { return best }
        var hash = PathHashTable.seed
        var elements = 0
        for position in 0..<pathCount {
            let byte = path[position]
            if byte == UInt8(ascii: "/") {
                if position > 0, elements <= self.maxElements,
                    let list = self.prefixes.value(hash, path, count: position)
                {
                    best = self.first(in: list, before: best, path: path, query: query, head: head)
                }
                elements += 1
            }
            hash = PathHashTable.step(hash, byte)
        }
        if elements <= self.maxElements, let list = self.prefixes.value(hash, path, count: pathCount) {
            best = self.first(in: list, before: best, path: path, query: query, head: head)
        }
        if let list = self.exact.value(hash, path, count: pathCount) {
            best = self.first(in: list, before: best, path: path, query: query, head: head)
        }
        return best
    }

    /// The first candidate of a list that matches and comes before `best`; else `best`.
    private func first(
        in list: Int, before best: CompiledRoute?, path: UnsafeRawBufferPointer, query: UnsafeRawBufferPointer,
        head: borrowing RequestHead
    ) -> CompiledRoute? {
        let limit = best?.index ?? .max
        for candidate in self.lists[list] {
            if candidate.route.index > limit { break }
            if candidate.match.matches(path: path, query: query, head: head) { return candidate.route }
        }
        return best
    }
}

/// Byte strings to numbers: open addressing, the hash computed byte by byte by the caller (FNV-1a).
///
/// Keys come from configuration and requests only look up, so that nobody can crowd a bucket.
struct PathHashTable: Sendable {
    static let seed: UInt64 = 0xcbf2_9ce4_8422_2325

    static func step(_ hash: UInt64, _ byte: UInt8) -> UInt64 { (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }

    private struct Slot: Sendable {
        var hash: UInt64
        var start: Int32
        var count: Int32
        /// Negative when free.
        var value: Int32
    }

    private var slots: [Slot] = []
    private var keys: [UInt8] = []
    private var used = 0

    var isEmpty: Bool { self.used == 0 }

    /// The key's number; `fresh`, and the key is added, when it has none.
    mutating func value(for key: [UInt8], orInsert fresh: Int) -> Int {
        let hash = key.reduce(Self.seed, Self.step)
        if let known = key.withUnsafeBytes({ self.value(hash, $0, count: key.count) }) { return known }
        if (self.used + 1) * 2 > self.slots.count { self.grow() }
        let slot = Slot(
            hash: hash, start: Int32(self.keys.count), count: Int32(key.count), value: Int32(truncatingIfNeeded: fresh))
        self.keys.append(contentsOf: key)
        self.place(slot)
        self.used += 1
        return fresh
    }

    /// The number of the key that is the first `count` bytes of `bytes`, of this hash.
    func value(_ hash: UInt64, _ bytes: UnsafeRawBufferPointer, count: Int) -> Int? {
        if self.used == 0 { return nil }
        let mask = self.slots.count - 1
        var index = Int(truncatingIfNeeded: hash ^ (hash >> 32)) & mask
        while self.slots[index].value >= 0 {
            let slot = self.slots[index]
            if slot.hash == hash, Int(slot.count) == count,
                self.holdsKey(slot, bytes)
            {
                return Int(slot.value)
            }
            index = (index + 1) & mask
        }
        return nil
    }

    private func holdsKey(_ slot: Slot, _ bytes: UnsafeRawBufferPointer) -> Bool {
        let start = Int(slot.start)
        for offset in 0..<Int(slot.count) where self.keys[start + offset] != bytes[offset] { return false }
        return true
    }

    private mutating func grow() {
        let old = self.slots
        self.slots = Array(
            repeating: Slot(hash: 0, start: 0, count: 0, value: -1), count: max(16, old.count * 2))
        for slot in old where slot.value >= 0 { self.place(slot) }
    }

    private mutating func place(_ slot: Slot) {
        let mask = self.slots.count - 1
        var index = Int(truncatingIfNeeded: slot.hash ^ (slot.hash >> 32)) & mask
        while self.slots[index].value >= 0 { index = (index + 1) & mask }
        self.slots[index] = slot
    }
}
