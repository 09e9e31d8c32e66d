internal import WeftModel

/// Counters in few bytes: which of them are not zero, then those, seven bits in a byte. Most are zero most of the time.
enum PackedCounters {
    private static let reasons = Reason.allCases
    private static let places = Dictionary(uniqueKeysWithValues: Reason.allCases.enumerated().map { ($1, $0) })
    /// Requests, classes, gRPC failures, retries, bytes in and out; then the latency buckets; then whether reasons follow.
    private static let firstBucket = 10
    private static let reasonBit = Self.firstBucket + LatencyBuckets.bounds.count + 1

    static func append(_ counters: EdgeCounters, to bytes: inout [UInt8]) {
        var mask: UInt64 = 0
        let scalars =
            [counters.requests] + counters.classes + [
                counters.grpcFailures, counters.retries, counters.bytesIn, counters.bytesOut,
            ]
        for (bit, value) in (scalars + counters.latency).enumerated() where value > 0 { mask |= 1 << UInt64(bit) }
        if !counters.reasons.isEmpty { mask |= 1 << UInt64(Self.reasonBit) }
        self.append(mask, to: &bytes)
        for value in scalars where value > 0 { self.append(value, to: &bytes) }
        for value in counters.latency where value > 0 { self.append(value, to: &bytes) }
        guard !counters.reasons.isEmpty else { return }
        self.append(UInt64(counters.reasons.count), to: &bytes)
        // In one order, so that equal counters are equal bytes.
        for (reason, place) in zip(Self.reasons, 0...) {
            guard let count = counters.reasons[reason] else { continue }
            self.append(UInt64(place), to: &bytes)
            self.append(count, to: &bytes)
        }
    }

    static func pack(_ counters: EdgeCounters) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(40)
        self.append(counters, to: &bytes)
        return bytes
    }

    /// Reads what `append` wrote at `position`, adds it to `counters`, and moves `position` past it.
    static func add(_ bytes: [UInt8], at position: inout Int, to counters: inout EdgeCounters) {
        let mask = self.read(bytes, &position)
        func next(_ bit: Int) -> UInt64 {
            mask >> UInt64(bit) & 1 == 1 ? self.read(bytes, &position) : 0
        }
        counters.requests &+= next(0)
        for index in 0..<5 { counters.classes[index] &+= next(1 + index) }
        counters.grpcFailures &+= next(6)
        counters.retries &+= next(7)
        counters.bytesIn &+= next(8)
        counters.bytesOut &+= next(9)
        for index in counters.latency.indices { counters.latency[index] &+= next(Self.firstBucket + index) }
        guard mask >> UInt64(Self.reasonBit) & 1 == 1 else { return }
        for _ in 0..<self.read(bytes, &position) {
            let place = Int(truncatingIfNeeded: self.read(bytes, &position))
            let count = self.read(bytes, &position)
            if Self.reasons.indices.contains(place) { counters.reasons[Self.reasons[place], default: 0] &+= count }
        }
    }

    static func unpack(_ bytes: [UInt8]) -> EdgeCounters {
        var counters = EdgeCounters()
        var position = 0
        self.add(bytes, at: &position, to: &counters)
        return counters
    }

    static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    /// Zero at the end of the bytes.
    static func read(_ bytes: [UInt8], _ position: inout Int) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { break }
            shift += 7
        }
        return value
    }
}
