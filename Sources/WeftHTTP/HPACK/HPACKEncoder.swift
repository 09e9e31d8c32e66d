import NIOCore
import WeftMessage

/// Encodes the header blocks of one direction of a connection (RFC 7541).
///
/// Fields that repeat go into the dynamic table, so that the next request costs a byte for each; those that differ every
/// time do not. Strings are not Huffman-coded: between sidecars the time matters more than the bytes.
struct HPACKEncoder {
    private var table: HPACKDynamicTable
    /// Most that we use of what the peer offers.
    private let ownLimit: Int
    private var announcesSize = false
    /// Serial numbers of entries, by a hash of name and value; a slot may be stale and is checked.
    private var places: [Int32]

    /// - Parameter maxTableSize: the most table we keep, whatever the peer allows; default 4096 bytes.
    init(maxTableSize: Int = 4096) {
        self.ownLimit = maxTableSize
        self.table = HPACKDynamicTable(maxSize: min(maxTableSize, 4096))
        self.places = Array(repeating: 0, count: 256)
    }

    /// The peer's SETTINGS_HEADER_TABLE_SIZE.
    mutating func peerSetTableSize(_ bytes: Int) {
        let size = min(bytes, self.ownLimit)
        guard size != self.table.maxSize else { return }
        self.table.setMaxSize(size)
        self.announcesSize = true
    }

    /// Appends the whole block, fields in order.
    mutating func encode(_ block: HeaderBlock, into output: inout ByteBuffer) {
        if self.announcesSize {
            self.announcesSize = false
            Self.write(self.table.maxSize, prefix: 5, pattern: 0x20, into: &output)
        }
        for index in 0..<block.count {
            let known = block.fields[index].name
            block.withValue(at: index) { value in
                block.withName(at: index) { name in
                    self.encode(known, name: name, value: value, into: &output)
                }
            }
        }
    }

    private mutating func encode(
        _ known: FieldName, name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, into output: inout ByteBuffer
    ) {
        let full = HPACKStaticTable.fullIndex(of: known, value: value)
        if full > 0 { return Self.write(full, prefix: 7, pattern: 0x80, into: &output) }
        let indexing = Indexing(known, name: name, value: value)
        var slot = 0
        if indexing == .indexed {
            slot = Self.hash(name, value) & 255
            if let place = self.place(slot, known, name: name, value: value) {
                return Self.write(HPACKStaticTable.count + 1 + place, prefix: 7, pattern: 0x80, into: &output)
            }
        }
        let nameIndex = Int(HPACKStaticTable.nameIndex[Int(known.rawValue)])
        switch indexing {
        case .indexed: Self.write(nameIndex, prefix: 6, pattern: 0x40, into: &output)
        case .literal: Self.write(nameIndex, prefix: 4, pattern: 0x00, into: &output)
        case .never: Self.write(nameIndex, prefix: 4, pattern: 0x10, into: &output)
        }
        if nameIndex == 0 { Self.write(name, into: &output) }
        Self.write(value, into: &output)
        if indexing == .indexed {
            self.table.insert(
                HPACKDynamicTable.Entry(
                    known: known, name: known == .other ? Array(name) : [], value: Array(value), flaw: nil))
            self.places[slot] = Int32(truncatingIfNeeded: self.table.inserted)
        }
    }

    /// Where the table has this field, zero being the newest.
    private func place(
        _ slot: Int, _ known: FieldName, name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer
    ) -> Int? {
        let serial = self.places[slot]
        guard serial > 0 else { return nil }
        let place = Int(Int32(truncatingIfNeeded: self.table.inserted) &- serial)
        guard place >= 0, let entry = self.table[place], entry.known == known,
            entry.value.count == value.count, entry.value.elementsEqual(value),
            known != .other || entry.name.elementsEqual(name)
        else { return nil }
        return place
    }

    /// Whether a field is worth a place in the table.
    private enum Indexing {
        case indexed
        case literal
        /// Not to be indexed by anyone further on either (RFC 7541 §7.1.3): secrets.
        case never

        init(_ known: FieldName, name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
            switch known {
            case .authorization, .proxyAuthorization, .setCookie: self = .never
            case .contentLength, .date, .traceparent, .tracestate, .xRequestID, .weftDeadline, .grpcTimeout, .etag,
                .ifNoneMatch, .ifModifiedSince, .lastModified, .location, .idempotencyKey, .range, .age, .expect,
                .grpcMessage, .xEnvoyExpectedTimeout:
                self = .literal
            // A path with a query seldom comes again.
            case .path: self = value.count <= 64 && !value.contains(UInt8(ascii: "?")) ? .indexed : .literal
            default: self = name.count + value.count <= 512 ? .indexed : .literal
            }
        }
    }

    /// Mixes name and value, eight bytes at a time.
    private static func hash(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Int {
        var state: UInt64 = 0x9e37_79b9_7f4a_7c15 &* UInt64(name.count | 1)
        func mix(_ bytes: UnsafeRawBufferPointer) {
            var position = 0
            while position + 8 <= bytes.count {
                state =
                    (state ^ bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)) &* 0xff51_afd7_ed55_8ccd
                state ^= state >> 32
                position += 8
            }
            var rest: UInt64 = 0
            while position < bytes.count {
                rest = rest << 8 | UInt64(bytes[position])
                position += 1
            }
            state = (state ^ rest) &* 0xc4ce_b9fe_1a85_ec53
            state ^= state >> 29
        }
        mix(name)
        mix(value)
        return Int(truncatingIfNeeded: state ^ state >> 17)
    }

    private static func write(_ value: Int, prefix: UInt8, pattern: UInt8, into output: inout ByteBuffer) {
        let limit = (1 << Int(prefix)) - 1
        if value < limit {
            output.writeInteger(pattern | UInt8(truncatingIfNeeded: value))
            return
        }
        output.writeInteger(pattern | UInt8(truncatingIfNeeded: limit))
        var rest = value - limit
        while rest >= 0x80 {
            output.writeInteger(UInt8(truncatingIfNeeded: rest & 0x7f | 0x80))
            rest >>= 7
        }
        output.writeInteger(UInt8(truncatingIfNeeded: rest))
    }

    private static func write(_ text: UnsafeRawBufferPointer, into output: inout ByteBuffer) {
        Self.write(text.count, prefix: 7, pattern: 0x00, into: &output)
        output.writeBytes(text)
    }
}
