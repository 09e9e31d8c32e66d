/// The timers of one event loop: a hierarchical wheel that owns no clock.
///
/// Eight levels of 64 slots, each slot of a level as long as the whole level below it, so that every time has a place;
/// times are rounded up to ticks of 2²⁰ ns (about 1 ms). A timer lies on the level of the highest digit in which its
/// tick differs from the present one, hence lower levels come first. Setting and cancelling take constant time and, once
/// warm, no memory: every request can have a timer that never fires.
package struct TimerWheel: Sendable {
    /// One timer that was set. Valid until it fires or is cancelled.
    package struct Handle: Hashable, Sendable {
        let entry: Int32

        /// No timer.
        package static let none = Handle(entry: -1)
    }

    private struct Entry: Sendable {
        var tick: UInt64
        var token: UInt32
        var slot: Int32
        var next: Int32
        var previous: Int32
    }

    private static let levels = 8
    private static let tickBits = 20
    private static let none: Int32 = -1

    /// Time already dealt with, in ticks.
    private var elapsed: UInt64
    private var occupied: [UInt64]
    private var heads: [Int32]
    private var entries: [Entry] = []
    private var free: Int32 = Self.none
    /// Timers set now.
    package private(set) var count = 0

    /// An empty wheel; `now` in nanoseconds of any monotonic clock.
    package init(now: Int64) {
        self.elapsed = Self.tick(now)
        self.occupied = Array(repeating: 0, count: Self.levels)
        self.heads = Array(repeating: Self.none, count: Self.levels * 64)
    }

    /// Sets a timer that yields `token` at `deadline` (nanoseconds) or up to one tick later; at once when it is past.
    package mutating func set(_ token: UInt32, at deadline: Int64) -> Handle {
        let index: Int32
        if self.free != Self.none {
            index = self.free
            self.free = self.entries[Int(index)].next
        } else {
            index = Int32(truncatingIfNeeded: self.entries.count)
            self.entries.append(Entry(tick: 0, token: 0, slot: 0, next: Self.none, previous: Self.none))
        }
        self.entries[Int(index)].token = token
        self.entries[Int(index)].tick = max(Self.tickRoundedUp(deadline), self.elapsed)
        self.link(index)
        self.count += 1
        return Handle(entry: index)
    }

    /// Forgets a timer. `Handle.none` is allowed.
    package mutating func cancel(_ handle: Handle) {
        guard handle.entry >= 0 else { return }
        self.unlink(handle.entry)
        self.release(handle.entry)
    }

    /// Takes the token of one timer that is due; nil when none is. Call until nil: new timers may be set in between.
    package mutating func popDue(now: Int64) -> UInt32? {
        let nowTick = Self.tick(now)
        while let (level, slot, start) = self.nextSlot() {
            guard start <= nowTick else { break }
            self.elapsed = max(self.elapsed, start)
            guard level > 0 else {
                let index = self.heads[slot]
                let token = self.entries[Int(index)].token
                self.unlink(index)
                self.release(index)
                return token
            }
            self.spread(level * 64 + slot)
        }
        self.elapsed = max(self.elapsed, nowTick)
        return nil
    }

    /// Moves all of a slot that has begun to finer levels, so that the first of them is seen first.
    private mutating func spread(_ slot: Int) {
        var index = self.heads[slot]
        self.heads[slot] = Self.none
        self.occupied[slot / 64] &= ~(1 << UInt64(slot % 64))
        while index != Self.none {
            let next = self.entries[Int(index)].next
            self.link(index)
            index = next
        }
    }

    /// When to call `popDue` next, in nanoseconds; may be earlier than the first timer. Nil without timers.
    package var nextCheck: Int64? {
        self.nextSlot().map { Int64(bitPattern: $0.start << UInt64(Self.tickBits)) }
    }

    /// The slot that comes first: level, slot, and the tick at which it begins.
    private func nextSlot() -> (level: Int, slot: Int, start: UInt64)? {
        for level in 0..<Self.levels where self.occupied[level] != 0 {
            let shift = UInt64(level * 6)
            let current = Int((self.elapsed >> shift) & 63)
            let distance = (self.occupied[level] >> UInt64(current)).trailingZeroBitCount
            let start = ((self.elapsed >> shift) + UInt64(distance)) << shift
            return (level, (current + distance) & 63, max(start, self.elapsed))
        }
        return nil
    }

    private mutating func link(_ index: Int32) {
        let tick = self.entries[Int(index)].tick
        let differing = tick ^ self.elapsed
        let highest = differing == 0 ? 0 : 63 - differing.leadingZeroBitCount
        let level = highest / 6
        let position = Int((tick >> UInt64(level * 6)) & 63)
        let slot = level * 64 + position
        let head = self.heads[slot]
        self.entries[Int(index)].slot = Int32(truncatingIfNeeded: slot)
        self.entries[Int(index)].next = head
        self.entries[Int(index)].previous = Self.none
        if head != Self.none { self.entries[Int(head)].previous = index }
        self.heads[slot] = index
        self.occupied[level] |= 1 << UInt64(position)
    }

    private mutating func unlink(_ index: Int32) {
        let entry = self.entries[Int(index)]
        let slot = Int(entry.slot)
        if entry.previous == Self.none {
            self.heads[slot] = entry.next
            if entry.next == Self.none { self.occupied[slot / 64] &= ~(1 << UInt64(slot % 64)) }
        } else {
            self.entries[Int(entry.previous)].next = entry.next
        }
        if entry.next != Self.none { self.entries[Int(entry.next)].previous = entry.previous }
    }

    private mutating func release(_ index: Int32) {
        self.entries[Int(index)].next = self.free
        self.free = index
        self.count -= 1
    }

    private static func tick(_ nanoseconds: Int64) -> UInt64 { UInt64(max(nanoseconds, 0)) >> UInt64(Self.tickBits) }

    private static func tickRoundedUp(_ nanoseconds: Int64) -> UInt64 {
        (UInt64(max(nanoseconds, 0)) + (1 << UInt64(Self.tickBits)) - 1) >> UInt64(Self.tickBits)
    }
}
