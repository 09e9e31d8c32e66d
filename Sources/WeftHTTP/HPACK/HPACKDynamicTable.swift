import DequeModule
import WeftMessage

/// The dynamic table of one HPACK direction (RFC 7541 §2.3.2, §4): newest entry first, bounded in size.
struct HPACKDynamicTable {
    struct Entry {
        var known: FieldName
        /// Empty for a well-known name.
        var name: [UInt8]
        var value: [UInt8]
        /// Why a message with this field is malformed; nil for most.
        var flaw: String?

        /// Name, value and 32 (§4.1).
        var size: Int { self.nameCount + self.value.count + 32 }

        var nameCount: Int { self.known == .other ? self.name.count : self.known.text.utf8CodeUnitCount }
    }

    private var entries: Deque<Entry> = []
    /// Bytes held, as §4.1 counts them.
    private(set) var size = 0
    /// Most bytes held; entries beyond it are evicted, oldest first.
    private(set) var maxSize: Int
    /// Entries ever inserted: the newest entry's serial number.
    private(set) var inserted = 0

    init(maxSize: Int) { self.maxSize = maxSize }

    var count: Int { self.entries.count }

    /// The entry at this place, zero being the newest; nil beyond the oldest.
    subscript(_ place: Int) -> Entry? {
        place < self.entries.count ? self.entries[place] : nil
    }

    mutating func setMaxSize(_ bytes: Int) {
        self.maxSize = bytes
        self.evict(to: bytes)
    }

    /// Inserts as newest; an entry larger than the table empties it (§4.4).
    mutating func insert(_ entry: Entry) {
        self.inserted += 1
        let size = entry.size
        self.evict(to: self.maxSize - size)
        guard size <= self.maxSize else { return }
        self.entries.prepend(entry)
        self.size += size
    }

    private mutating func evict(to bound: Int) {
        while self.size > max(bound, 0), let oldest = self.entries.popLast() { self.size -= oldest.size }
    }
}
