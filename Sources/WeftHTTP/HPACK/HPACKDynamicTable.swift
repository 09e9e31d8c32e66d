internal import WeftMessage

/// What becomes of a decoded field.
enum HPACKVerdict: UInt8 {
    case good
    /// An alias of a protected name: left out.
    case dropped
    /// Against the rules for fields: the message is malformed.
    case malformed
}

/// The dynamic table (RFC 7541 §2.3.2): a ring of entries whose bytes lie in one arena.
///
/// A class with its own memory: it is touched for each field, and array bookkeeping would show.
final class HPACKDynamicTable {
    struct Entry {
        var nameStart: Int32
        /// Bytes of the name in the arena; none for a well-known one.
        var storedNameCount: Int32
        var valueStart: Int32
        var valueCount: Int32
        var nameCount: Int32
        /// The name, interned whatever the value is; `.other` also for a malformed name.
        var known: FieldName
        /// What the name alone deserves: what refers to a name inherits this, and nothing of the value.
        var nameVerdict: HPACKVerdict
        /// What name and value together deserve.
        var verdict: HPACKVerdict
    }

    /// What `size` may reach; at most `capacity`.
    private(set) var maxSize: Int
    /// Sum of name + value + 32 over the entries.
    private(set) var size = 0
    private(set) var count = 0
    /// Entries ever inserted; the newest has the number `inserted - 1`.
    private(set) var inserted = 0

    private let capacity: Int
    private let entries: UnsafeMutablePointer<Entry>
    private let entryMask: Int
    private let arena: UnsafeMutablePointer<UInt8>
    private var arenaEnd = 0

    /// - Parameter capacity: the largest `maxSize`, in bytes as HPACK counts them.
    init(capacity: Int) {
        self.capacity = capacity
        self.maxSize = capacity
        var entryCapacity = 1
        while entryCapacity < capacity / 32 + 1 { entryCapacity <<= 1 }
        self.entryMask = entryCapacity - 1
        self.entries = .allocate(capacity: entryCapacity)
        self.arena = .allocate(capacity: capacity * 2 + 64)
    }

    deinit {
        self.entries.deallocate()
        self.arena.deallocate()
    }

    /// The entry by its age: 0 is the newest. `age` must be below `count`.
    @inline(__always)
    func entry(_ age: Int) -> Entry { self.entries[(self.inserted - 1 - age) & self.entryMask] }

    @inline(__always)
    func name(_ entry: Entry) -> UnsafeRawBufferPointer {
        if entry.known != .other {
            return UnsafeRawBufferPointer(
                start: entry.known.text.utf8Start, count: entry.known.text.utf8CodeUnitCount)
        }
        return UnsafeRawBufferPointer(start: self.arena + Int(entry.nameStart), count: Int(entry.storedNameCount))
    }

    @inline(__always)
    func value(_ entry: Entry) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: self.arena + Int(entry.valueStart), count: Int(entry.valueCount))
    }

    /// Changes the bound, dropping what no longer fits. At most `capacity`.
    func resize(to newSize: Int) {
        self.maxSize = min(newSize, self.capacity)
        self.evict(for: 0)
    }

    /// Inserts a field; one that is larger than the table empties it instead. `name` and `value` must not lie in this
    /// table's arena.
    ///
    /// - Returns: whether it is in the table now.
    @discardableResult
    func insert(
        known: FieldName, name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer,
        nameVerdict: HPACKVerdict = .good, verdict: HPACKVerdict = .good
    ) -> Bool {
        let needed = name.count + value.count + 32
        self.evict(for: needed)
        guard needed <= self.maxSize else { return false }
        let stored = known == .other ? name.count : 0
        if self.arenaEnd + stored + value.count > self.capacity * 2 { self.compact() }
        let nameStart = self.arenaEnd
        if stored > 0, let base = name.baseAddress {
            UnsafeMutableRawPointer(self.arena + nameStart).copyMemory(from: base, byteCount: stored)
        }
        let valueStart = nameStart + stored
        if let base = value.baseAddress, !value.isEmpty {
            UnsafeMutableRawPointer(self.arena + valueStart).copyMemory(from: base, byteCount: value.count)
        }
        self.arenaEnd = valueStart + value.count
        (self.entries + (self.inserted & self.entryMask)).initialize(
            to: Entry(
                nameStart: Int32(nameStart), storedNameCount: Int32(stored), valueStart: Int32(valueStart),
                valueCount: Int32(value.count), nameCount: Int32(name.count), known: known,
                nameVerdict: nameVerdict, verdict: verdict))
        self.inserted += 1
        self.count += 1
        self.size += needed
        return true
    }

    private func evict(for needed: Int) {
        while self.count > 0, self.size + needed > self.maxSize {
            let oldest = self.entry(self.count - 1)
            self.size -= Int(oldest.nameCount) + Int(oldest.valueCount) + 32
            self.count -= 1
        }
        if self.count == 0 { self.arenaEnd = 0 }
    }

    /// Moves the live bytes to the front of the arena.
    private func compact() {
        guard self.count > 0 else {
            self.arenaEnd = 0
            return
        }
        let start = Int(self.entry(self.count - 1).nameStart)
        UnsafeMutableRawPointer(self.arena).copyMemory(from: self.arena + start, byteCount: self.arenaEnd - start)
        for age in 0..<self.count {
            let index = (self.inserted - 1 - age) & self.entryMask
            self.entries[index].nameStart -= Int32(start)
            self.entries[index].valueStart -= Int32(start)
        }
        self.arenaEnd -= start
    }
}
