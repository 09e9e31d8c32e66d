/// The open streams by identifier: open addressing, since identifiers come in order and spread by themselves.
struct HTTP2StreamTable {
    private var slots: [HTTP2Stream?] = Array(repeating: nil, count: 16)
    private(set) var count = 0

    private var mask: Int { self.slots.count - 1 }

    @inline(__always)
    private func home(_ id: UInt32) -> Int { Int(id >> 1) & self.mask }

    subscript(id: UInt32) -> HTTP2Stream? {
        var slot = self.home(id)
        while let stream = self.slots[slot] {
            if stream.id == id { return stream }
            slot = (slot + 1) & self.mask
        }
        return nil
    }

    mutating func insert(_ stream: HTTP2Stream) {
        if self.count * 2 >= self.slots.count {
            let old = self.all
            self.slots = Array(repeating: nil, count: self.slots.count * 2)
            self.count = 0
            for stream in old { self.place(stream) }
        }
        self.place(stream)
    }

    private mutating func place(_ stream: HTTP2Stream) {
        var slot = self.home(stream.id)
        while self.slots[slot] != nil { slot = (slot + 1) & self.mask }
        self.slots[slot] = stream
        self.count += 1
    }

    mutating func remove(_ id: UInt32) {
        var slot = self.home(id)
        while let stream = self.slots[slot], stream.id != id { slot = (slot + 1) & self.mask }
        guard self.slots[slot] != nil else { return }
        self.slots[slot] = nil
        self.count -= 1
        // Those behind that were pushed past this slot move up.
        var next = (slot + 1) & self.mask
        while let stream = self.slots[next] {
            let home = self.home(stream.id)
            if (next - home) & self.mask >= (next - slot) & self.mask {
                self.slots[slot] = stream
                self.slots[next] = nil
                slot = next
            }
            next = (next + 1) & self.mask
        }
    }

    /// All streams, for what concerns the whole connection.
    var all: [HTTP2Stream] { self.slots.compactMap { $0 } }
}
