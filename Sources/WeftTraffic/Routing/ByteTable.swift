/// Byte strings to numbers: open addressing, the hash computed byte by byte by the caller (FNV-1a).
///
/// Keys come from configuration and requests only look up, so that nobody can crowd a bucket.
struct ByteTable: Sendable {
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

    /// The number of the key `bytes`.
    func value(of bytes: UnsafeRawBufferPointer) -> Int? {
        if self.used == 0 { return nil }
        var hash = Self.seed
        for byte in bytes { hash = Self.step(hash, byte) }
        return self.value(hash, bytes, count: bytes.count)
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

    /// The number of the key that `bytes` is in lower case.
    func value(ofLowercased bytes: UnsafeRawBufferPointer) -> Int? {
        if self.used == 0 || bytes.count > 1024 { return nil }
        return withUnsafeTemporaryAllocation(byteCount: max(1, bytes.count), alignment: 1) { lower in
            for (index, byte) in bytes.enumerated() {
                lower[index] = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
            }
            return self.value(of: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(lower)[..<bytes.count]))
        }
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
