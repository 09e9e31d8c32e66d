/// Writes one record into memory that is there already; what does not fit is cut, and told by `isCut`.
package struct RecordWriter: ~Copyable {
    private let base: UnsafeMutableRawPointer
    private let capacity: Int
    package private(set) var count = 0
    /// Something was left out for want of room.
    package private(set) var isCut = false

    /// Each record needs so little that this is never reached in earnest.
    package static let maxBytes = 16_384

    init(base: UnsafeMutableRawPointer, capacity: Int) {
        self.base = base
        self.capacity = capacity
    }

    package mutating func put(byte: UInt8) {
        guard self.count < self.capacity else { return self.isCut = true }
        self.base.storeBytes(of: byte, toByteOffset: self.count, as: UInt8.self)
        self.count += 1
    }

    /// Puts another byte where one was put before.
    mutating func replace(at place: Int, with byte: UInt8) {
        if place < self.count { self.base.storeBytes(of: byte, toByteOffset: place, as: UInt8.self) }
    }

    /// Seven bits a byte, the lowest first.
    package mutating func put(_ number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            self.put(byte: UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        self.put(byte: UInt8(truncatingIfNeeded: rest))
    }

    package mutating func put(_ number: Int) { self.put(UInt64(clamping: number)) }

    /// Small numbers of either sign take few bytes.
    package mutating func put(signed number: Int64) {
        self.put(UInt64(bitPattern: (number << 1) ^ (number >> 63)))
    }

    /// At most `max` bytes of them, with their count before.
    package mutating func put(_ bytes: UnsafeRawBufferPointer, max: Int) {
        let size = min(bytes.count, max, self.capacity - self.count - 4)
        if size < bytes.count { self.isCut = true }
        guard size > 0, let start = bytes.baseAddress else { return self.put(0 as UInt64) }
        self.put(UInt64(size))
        (self.base + self.count).copyMemory(from: start, byteCount: size)
        self.count += size
    }

    package mutating func put(_ text: String, max: Int = 256) {
        guard !text.isEmpty else { return self.put(byte: 0) }
        if text.utf8.withContiguousStorageIfAvailable({ self.put(UnsafeRawBufferPointer($0), max: max) }) == nil {
            Array(text.utf8).withUnsafeBytes { self.put($0, max: max) }
        }
    }

    /// What was written in this form before, all of it or nothing.
    package mutating func put(_ part: RecordPart) {
        guard part.bytes.count <= self.capacity - self.count else { return self.isCut = true }
        part.bytes.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            (self.base + self.count).copyMemory(from: start, byteCount: bytes.count)
        }
        self.count += part.bytes.count
    }

    package mutating func put(_ text: StaticString) {
        self.put(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount), max: 256)
    }

    /// A path with its query, of which only the parameters' names are kept: `/pay?card=*&to=*`.
    package mutating func put(path: UnsafeRawBufferPointer, max: Int) {
        guard let question = path.firstIndex(of: UInt8(ascii: "?")) else { return self.put(path, max: max) }
        withUnsafeTemporaryAllocation(byteCount: max, alignment: 1) { kept in
            var size = 0
            var isValue = false
            for index in path.indices where size < max {
                let byte = path[index]
                if index > question {
                    if byte == UInt8(ascii: "&") { isValue = false }
                    if isValue { continue }
                }
                if index > question, byte == UInt8(ascii: "=") {
                    kept[size] = byte
                    size += 1
                    if size < max {
                        kept[size] = UInt8(ascii: "*")
                        size += 1
                    }
                    isValue = true
                    continue
                }
                kept[size] = byte
                size += 1
            }
            self.put(UnsafeRawBufferPointer(rebasing: kept[..<size]), max: max)
        }
    }
}

/// A part that many records have in common, written once.
package struct RecordPart: Sendable {
    let bytes: [UInt8]

    init(_ body: (inout RecordWriter) -> Void) {
        self.bytes = withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 8) { room in
            guard let base = room.baseAddress else { return [] }
            var writer = RecordWriter(base: base, capacity: room.count)
            body(&writer)
            return Array(room[..<writer.count])
        }
    }
}

/// Reads what a `RecordWriter` wrote; bytes that are missing read as zero and empty.
struct RecordReader {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        self.position = bytes.startIndex
    }

    mutating func byte() -> UInt8 {
        guard self.position < self.bytes.endIndex else { return 0 }
        defer { self.position += 1 }
        return self.bytes[self.position]
    }

    mutating func number() -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            let next = self.byte()
            value |= UInt64(next & 0x7F) << shift
            if next & 0x80 == 0 { break }
        }
        return value
    }

    mutating func int() -> Int { Int(clamping: self.number()) }

    mutating func signed() -> Int64 {
        let value = self.number()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    mutating func text() -> String {
        let count = self.int()
        let end = min(self.bytes.endIndex, self.position.addingReportingOverflow(count).partialValue)
        guard end > self.position else { return "" }
        defer { self.position = end }
        return String(decoding: self.bytes[self.position..<end], as: UTF8.self)
    }
}
