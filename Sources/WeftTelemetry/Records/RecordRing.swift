package import WeftModel

/// What the records of one route, backend and configuration share; made once, not per request.
package final class RecordContext: Sendable {
    package let destination: String
    package let cluster: String
    package let route: String
    package let routeSource: Provenance?
    package let policies: [HopRecord.Policy]
    /// What it takes, roughly.
    let bytes: Int

    package init(
        destination: String, cluster: String = "", route: String = "", routeSource: Provenance? = nil,
        policies: [HopRecord.Policy] = []
    ) {
        self.destination = destination
        self.cluster = cluster
        self.route = route
        self.routeSource = routeSource
        self.policies = policies
        self.bytes =
            256 + destination.utf8.count + cluster.utf8.count + route.utf8.count
            + policies.reduce(0) { $0 + 160 + $1.value.utf8.count + ($1.source?.file?.utf8.count ?? 0) }
    }
}

/// The newest requests of one loop, in memory that is taken once. Belongs to its loop; nothing is locked.
///
/// A record is a run of bytes whose first say what most searches ask, so that a search decodes nothing. The oldest
/// give way: by number, by bytes, and by what their contexts take.
package final class RecordRing {
    private struct Slot {
        var offset = 0
        var count = 0
        var context: Held?
    }

    /// A context, and how many records of the ring share it.
    package final class Held {
        package let context: RecordContext
        fileprivate var uses = 0

        package init(_ context: RecordContext) { self.context = context }
    }

    private let arena: UnsafeMutableRawPointer
    private let capacity: Int
    private let contextLimit: Int
    private var slots: [Slot]
    private var contextBytes = 0
    /// Where the next record goes.
    private var head = 0
    /// How many records have ever been written; the number of the next.
    package private(set) var written: UInt64 = 0
    private var oldest: UInt64 = 0

    /// - Parameters:
    ///   - records: how many are kept at most; none are kept below one.
    ///   - bytes: what they may take; a quarter of it besides for what they share.
    package init(records: Int, bytes: Int) {
        self.capacity = max(bytes, 4 * RecordWriter.maxBytes)
        self.contextLimit = self.capacity / 4
        self.arena = .allocate(byteCount: self.capacity, alignment: 16)
        self.slots = Array(repeating: Slot(), count: max(1, records))
    }

    deinit { self.arena.deallocate() }

    package var count: Int { Int(self.written - self.oldest) }

    /// Writes a record: a head of flags, reasons and request id first (`RecordHead`), then what `body` puts.
    package func write(_ context: Held?, _ body: (inout RecordWriter) -> Void) {
        self.makeRoom()
        var writer = RecordWriter(base: self.arena + self.head, capacity: RecordWriter.maxBytes)
        body(&writer)
        if let context {
            if context.uses == 0 { self.contextBytes += context.context.bytes }
            context.uses += 1
        }
        self.slots[self.place(of: self.written)] = Slot(offset: self.head, count: writer.count, context: context)
        self.head += writer.count
        self.written += 1
        while self.contextBytes > self.contextLimit, self.count > 1 { self.dropOldest() }
    }

    private func place(of number: UInt64) -> Int { Int(number % UInt64(self.slots.count)) }

    private func makeRoom() {
        if self.count == self.slots.count { self.dropOldest() }
        if self.head + RecordWriter.maxBytes > self.capacity {
            // What lies from here to the end is older than everything at the beginning.
            while self.count > 0, self.slots[self.place(of: self.oldest)].offset >= self.head { self.dropOldest() }
            self.head = 0
        }
        while self.count > 0 {
            let slot = self.slots[self.place(of: self.oldest)]
            guard slot.offset < self.head + RecordWriter.maxBytes, slot.offset + slot.count > self.head else { return }
            self.dropOldest()
        }
    }

    private func dropOldest() {
        let place = self.place(of: self.oldest)
        if let context = self.slots[place].context {
            context.uses -= 1
            if context.uses == 0 { self.contextBytes -= context.context.bytes }
            self.slots[place].context = nil
        }
        self.oldest += 1
    }

    // MARK: Reading

    /// Records of one request, newest first, at most `limit`; `skipped` are those beyond. Of an id that is longer than
    /// what records keep, its beginning counts.
    package func find(_ requestID: String, limit: Int) -> RecordBatch {
        var batch = RecordBatch()
        let wanted = RecordHead.ID(requestID)
        var number = self.written
        while number > self.oldest {
            number -= 1
            let slot = self.slots[self.place(of: number)]
            let bytes = UnsafeRawBufferPointer(start: self.arena + slot.offset, count: slot.count)
            guard wanted.isOf(bytes) else { continue }
            if batch.spans.count < limit {
                batch.append(bytes, slot.context?.context, number)
            } else {
                batch.skipped += 1
            }
        }
        return batch
    }

    /// Records before `number`, newest first, of those that `head` lets through; `batch.next` goes on from there, and is
    /// zero at the end. Looks at no more than 4096 and copies no more than 512 KiB, so that the loop is soon back.
    package func newest(before number: UInt64 = .max, _ head: RecordHead.Filter, limit: Int) -> RecordBatch {
        var batch = RecordBatch()
        var number = min(number, self.written)
        var looks = 4096
        while number > self.oldest, batch.spans.count < limit, looks > 0, batch.bytes.count < 524_288 {
            number -= 1
            looks -= 1
            let slot = self.slots[self.place(of: number)]
            let bytes = UnsafeRawBufferPointer(start: self.arena + slot.offset, count: slot.count)
            if head.matches(bytes) { batch.append(bytes, slot.context?.context, number) }
        }
        batch.next = number > self.oldest ? number : 0
        return batch
    }

    /// Records from `number` on, oldest first, at most `limit`; `skipped` are those that came and went, or did not fit.
    package func since(_ number: UInt64, _ head: RecordHead.Filter, limit: Int) -> RecordBatch {
        var batch = RecordBatch()
        var next = max(number, self.oldest)
        batch.skipped = next - min(number, next)
        while next < self.written {
            let slot = self.slots[self.place(of: next)]
            let bytes = UnsafeRawBufferPointer(start: self.arena + slot.offset, count: slot.count)
            if head.matches(bytes) {
                if batch.spans.count < limit {
                    batch.append(bytes, slot.context?.context, next)
                } else {
                    batch.skipped += 1
                }
            }
            next += 1
        }
        batch.next = self.written
        return batch
    }
}

/// Records copied out of a ring, to be decoded elsewhere.
package struct RecordBatch: Sendable {
    package struct Span: Sendable {
        let range: Range<Int>
        let context: RecordContext?
        package let number: UInt64
    }

    package private(set) var bytes: [UInt8] = []
    package private(set) var spans: [Span] = []
    /// Where to go on.
    package var next: UInt64 = 0
    package var skipped: UInt64 = 0
    /// What to add to a record's start to have nanoseconds since 1970.
    package var clockOffset: Int64 = 0

    package init() {}

    mutating func append(_ record: UnsafeRawBufferPointer, _ context: RecordContext?, _ number: UInt64) {
        let start = self.bytes.count
        self.bytes.append(contentsOf: record)
        self.spans.append(Span(range: start..<self.bytes.count, context: context, number: number))
    }

    package func record(_ span: Span) -> HopRecord {
        RecordCoding.decode(self.bytes[span.range], span.context, clockOffset: self.clockOffset)
    }
}

/// What a record begins with.
package enum RecordHead {
    static let maxID = HopRecord.maxIDBytes

    package struct Flags: OptionSet, Sendable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) { self.rawValue = rawValue }

        package static let inbound = Flags(rawValue: 1)
        package static let failed = Flags(rawValue: 2)
        package static let grpcStatus = Flags(rawValue: 4)
        package static let deadline = Flags(rawValue: 8)
        package static let callersDeadline = Flags(rawValue: 16)
        package static let responded = Flags(rawValue: 32)
        package static let outgrewReplay = Flags(rawValue: 64)
        package static let allHeaders = Flags(rawValue: 128)
        package static let failure = Flags(rawValue: 2 + 128)
        package static let inboundFailure = Flags(rawValue: 1 + 2 + 128)
    }

    /// What the first bytes can tell.
    package struct Filter: Hashable, Sendable {
        package var failed = false
        package var reason: Reason?

        package init(failed: Bool = false, reason: Reason? = nil) {
            self.failed = failed
            self.reason = reason
        }

        func matches(_ record: UnsafeRawBufferPointer) -> Bool {
            guard record.count > 3 else { return false }
            if self.failed, record[0] & Flags.failed.rawValue == 0 { return false }
            guard let reason = self.reason else { return true }
            if record[1] == reason.code { return true }
            return reason != .ok && (record[2] == reason.code || record[2] == several)
        }
    }

    /// Where a record says how its attempts failed: zero is not at all, `several` in more than one way.
    static let attemptReasonPlace = 2
    static let several = UInt8.max

    /// An id that is looked for.
    struct ID {
        private let bytes: [UInt8]
        private let text: String
        /// Bytes that are no text were shown as a replacement character, also the half of one at the end of a cut id.
        private let isLossy: Bool

        init(_ text: String) {
            self.bytes = Array(text.utf8.prefix(RecordHead.maxID))
            self.text = text
            self.isLossy = text.unicodeScalars.contains("\u{FFFD}")
        }

        func isOf(_ record: UnsafeRawBufferPointer) -> Bool {
            let count = self.bytes.count
            guard count > 0, record.count > 3 else { return false }
            // A length of 128 takes two bytes; shorter ones are their own.
            let isLong = record[3] & 0x80 != 0
            let (start, size) = isLong ? (5, RecordHead.maxID) : (4, Int(record[3]))
            guard record.count >= start + size else { return false }
            let found = UnsafeRawBufferPointer(rebasing: record[start..<start + size])
            if size == count, found.elementsEqual(self.bytes) { return true }
            return self.isLossy && String(decoding: found, as: UTF8.self) == self.text
        }
    }
}

extension Reason {
    /// Its place in the list, for the ring.
    var code: UInt8 {
        if self == .ok { return 0 }
        return UInt8(clamping: Self.allCases.firstIndex(of: self) ?? 0)
    }

    init(code: UInt8) { self = Self.allCases[min(Int(code), Self.allCases.count - 1)] }
}
