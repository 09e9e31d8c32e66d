/// One edge's counters over time at one resolution: packed, in blocks of slots, with the newest slot open.
///
/// A slot is a number: seconds divided by `slotSeconds`. Only slots with traffic take room.
struct SampleTrack: Sendable {
    private struct Block: Sendable {
        /// The first slot divided by the slots of a block.
        let index: Int64
        /// For each slot: its place in the block, then its counters.
        var bytes: [UInt8] = []
    }

    let slotSeconds: Int64
    private let slotsPerBlock: Int64
    private var blocks: [Block] = []
    private var open: (slot: Int64, counters: EdgeCounters)?
    /// Bytes that it takes, nearly.
    private(set) var size = 0

    /// What a block takes beside its samples.
    private static let blockOverhead = 64

    init(slotSeconds: Int64, slotsPerBlock: Int64) {
        self.slotSeconds = slotSeconds
        self.slotsPerBlock = slotsPerBlock
    }

    /// Adds to a slot; one that is not the newest is packed anew.
    mutating func add(_ counters: EdgeCounters, slot: Int64) {
        guard let newest = self.open?.slot else {
            self.open = (slot, counters)
            return
        }
        if slot == newest {
            self.open?.counters.add(counters)
        } else if slot > newest {
            self.seal()
            self.open = (slot, counters)
        } else {
            self.insert(counters, slot: slot)
        }
    }

    /// Adds what is within `slots` to `points`: the first `slotsPerPoint` slots to the first, and so on.
    func add(_ slots: Range<Int64>, slotsPerPoint: Int64, to points: inout [EdgeCounters]) {
        var unwanted = EdgeCounters()
        for block in self.blocks where self.overlaps(block, slots) {
            var position = 0
            while position < block.bytes.count {
                let slot =
                    block.index * self.slotsPerBlock
                    + Int64(truncatingIfNeeded: PackedCounters.read(block.bytes, &position))
                let point = slots.contains(slot) ? Int((slot - slots.lowerBound) / slotsPerPoint) : -1
                if points.indices.contains(point) {
                    PackedCounters.add(block.bytes, at: &position, to: &points[point])
                } else {
                    PackedCounters.add(block.bytes, at: &position, to: &unwanted)
                }
            }
        }
        guard let open = self.open, slots.contains(open.slot) else { return }
        let point = Int((open.slot - slots.lowerBound) / slotsPerPoint)
        if points.indices.contains(point) { points[point].add(open.counters) }
    }

    /// Everything within `slots`.
    func sum(_ slots: Range<Int64>) -> EdgeCounters {
        var points = [EdgeCounters()]
        self.add(slots, slotsPerPoint: max(1, Int64(slots.count)), to: &points)
        return points[0]
    }

    /// Forgets blocks that end before `slot`.
    mutating func forget(before slot: Int64) {
        let index = slot / self.slotsPerBlock
        let count = self.blocks.prefix { $0.index < index }.count
        guard count > 0 else { return }
        for block in self.blocks.prefix(count) { self.size -= block.bytes.count + Self.blockOverhead }
        self.blocks.removeFirst(count)
        if let open = self.open, open.slot < slot, self.blocks.isEmpty { self.open = nil }
    }

    private func overlaps(_ block: Block, _ slots: Range<Int64>) -> Bool {
        let first = block.index * self.slotsPerBlock
        return first < slots.upperBound && first + self.slotsPerBlock > slots.lowerBound
    }

    private mutating func seal() {
        guard let open = self.open else { return }
        let index = open.slot / self.slotsPerBlock
        if self.blocks.last?.index != index {
            // The one before is whole: without the room it grew into.
            if let last = self.blocks.indices.last { self.blocks[last].bytes = Self.exact(self.blocks[last].bytes) }
            self.blocks.append(Block(index: index))
            self.size += Self.blockOverhead
        }
        let last = self.blocks.count - 1
        self.size -= self.blocks[last].bytes.count
        PackedCounters.append(UInt64(open.slot % self.slotsPerBlock), to: &self.blocks[last].bytes)
        PackedCounters.append(open.counters, to: &self.blocks[last].bytes)
        self.size += self.blocks[last].bytes.count
    }

    private static func exact(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: bytes.count) { buffer, count in
            count = buffer.initialize(fromContentsOf: bytes)
        }
    }

    private mutating func insert(_ counters: EdgeCounters, slot: Int64) {
        let index = slot / self.slotsPerBlock
        let place = self.blocks.firstIndex { $0.index >= index } ?? self.blocks.count
        if place == self.blocks.count || self.blocks[place].index != index {
            self.blocks.insert(Block(index: index), at: place)
            self.size += Self.blockOverhead
        }
        var samples: [(slot: UInt64, counters: EdgeCounters)] = []
        let old = self.blocks[place].bytes
        var position = 0
        while position < old.count {
            let slot = PackedCounters.read(old, &position)
            var sample = EdgeCounters()
            PackedCounters.add(old, at: &position, to: &sample)
            samples.append((slot, sample))
        }
        let wanted = UInt64(slot % self.slotsPerBlock)
        let next = samples.firstIndex { $0.slot >= wanted } ?? samples.count
        if next < samples.count, samples[next].slot == wanted {
            samples[next].counters.add(counters)
        } else {
            samples.insert((wanted, counters), at: next)
        }
        var bytes: [UInt8] = []
        for sample in samples {
            PackedCounters.append(sample.slot, to: &bytes)
            PackedCounters.append(sample.counters, to: &bytes)
        }
        self.size += bytes.count - old.count
        self.blocks[place].bytes = bytes
    }
}
