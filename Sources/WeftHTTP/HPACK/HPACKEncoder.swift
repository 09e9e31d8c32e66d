internal import NIOCore
internal import WeftMessage

/// Encodes header blocks (RFC 7541), straight from a `HeaderBlock`'s bytes.
///
/// A field enters the dynamic table when it is seen for the second time, so that values which never come again (paths
/// with identifiers, trace contexts) do not push out those that do.
final class HPACKEncoder {
    private let table: HPACKDynamicTable
    /// The number of a recent entry by hash; any of them may be gone or belong to another field.
    private let slots: UnsafeMutablePointer<(hash: UInt32, number: Int32)>
    /// Hashes seen lately.
    private let seen: UnsafeMutablePointer<UInt32>
    /// The smallest table size since the last block, while a change of size has not been announced (RFC 7541 §4.2).
    private var smallestSize: Int?
    private let usesHuffman: Bool
    private let maxTableSize: Int

    /// - Parameters:
    ///   - maxTableSize: what we use of the peer's SETTINGS_HEADER_TABLE_SIZE at most.
    ///   - usesHuffman: saves a fifth of a literal's bytes for some CPU time on both sides; off by default, since repeated
    ///     fields are one byte from the table either way.
    init(maxTableSize: Int = 4_096, usesHuffman: Bool = false) {
        self.table = HPACKDynamicTable(capacity: maxTableSize)
        self.maxTableSize = maxTableSize
        self.usesHuffman = usesHuffman
        self.slots = .allocate(capacity: 256)
        self.slots.initialize(repeating: (0, -1), count: 256)
        self.seen = .allocate(capacity: 512)
        self.seen.initialize(repeating: 0, count: 512)
    }

    deinit {
        self.slots.deallocate()
        self.seen.deallocate()
    }

    /// The peer's SETTINGS_HEADER_TABLE_SIZE.
    func peerSetTableSize(_ size: Int) {
        let wanted = min(size, self.maxTableSize)
        guard wanted != self.table.maxSize else { return }
        self.table.resize(to: wanted)
        self.smallestSize = min(self.smallestSize ?? wanted, wanted)
    }

    /// Bytes that encoding may take at most.
    static func bound(_ block: HeaderBlock) -> Int {
        var size = 16
        for field in block.fields { size += Int(field.nameCount) + Int(field.valueCount) + 16 }
        return size
    }

    /// Appends the encoded block. Pseudo-header fields come first whatever their place; connection-specific fields are
    /// left out, since no HTTP/2 message may have them.
    func encode(_ block: HeaderBlock, into output: inout ByteBuffer) {
        output.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.bound(block)) { target in
            var writer = HPACKWriter(target.bindMemory(to: UInt8.self))
            if let smallest = self.smallestSize {
                if smallest < self.table.maxSize { writer.integer(smallest, prefix: 5, pattern: 0x20) }
                writer.integer(self.table.maxSize, prefix: 5, pattern: 0x20)
                self.smallestSize = nil
            }
            block.withFields { bytes, fields in
                for field in fields where field.name.isPseudo { self.encode(field, bytes, &writer) }
                for field in fields {
                    switch field.name {
                    case .method, .scheme, .authority, .path, .connectProtocol, .status, .host, .connection,
                        .keepAlive, .proxyConnection, .transferEncoding, .upgrade, .http2Settings:
                        continue
                    default: self.encode(field, bytes, &writer)
                    }
                }
            }
            return writer.count
        }
    }

    private func encode(_ field: HeaderBlock.Field, _ bytes: UnsafeRawBufferPointer, _ writer: inout HPACKWriter) {
        let known = field.name
        let start = Int(field.valueStart)
        let value = UnsafeRawBufferPointer(rebasing: bytes[start..<start + Int(field.valueCount)])
        if let index = HPACKStaticTable.fullIndex(known, value) {
            return writer.integer(index, prefix: 7, pattern: 0x80)
        }
        let name: UnsafeRawBufferPointer
        if known == .other {
            let start = Int(field.nameStart)
            name = UnsafeRawBufferPointer(rebasing: bytes[start..<start + Int(field.nameCount)])
        } else {
            name = UnsafeRawBufferPointer(start: known.text.utf8Start, count: known.text.utf8CodeUnitCount)
        }
        let pattern: UInt8
        let prefix: Int
        switch Self.indexing(known) {
        case .never: (pattern, prefix) = (0x10, 4)
        case .without: (pattern, prefix) = (0x00, 4)
        case .incremental:
            let size = name.count + value.count + 32
            if size > self.table.maxSize / 2 {
                (pattern, prefix) = (0x00, 4)
                break
            }
            let hash = Self.hash(known, name, value)
            let slot = Int(hash & 255)
            if let index = self.find(hash, slot, known, name, value) {
                return writer.integer(index, prefix: 7, pattern: 0x80)
            }
            let trace = Int(hash >> 8 & 511)
            if self.seen[trace] == hash {
                self.slots[slot] = (hash, Int32(truncatingIfNeeded: self.table.inserted))
                self.table.insert(known: known, name: name, value: value)
                (pattern, prefix) = (0x40, 6)
            } else {
                self.seen[trace] = hash
                (pattern, prefix) = (0x00, 4)
            }
        }
        let nameIndex = Int(HPACKStaticTable.shared.indices[Int(known.rawValue)])
        writer.integer(nameIndex, prefix: prefix, pattern: pattern)
        if nameIndex == 0 { writer.string(name, huffman: self.usesHuffman) }
        writer.string(value, huffman: self.usesHuffman)
    }

    private func find(
        _ hash: UInt32, _ slot: Int, _ known: FieldName, _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer
    ) -> Int? {
        let candidate = self.slots[slot]
        guard candidate.hash == hash, candidate.number >= 0 else { return nil }
        let age = self.table.inserted - 1 - Int(candidate.number)
        guard age >= 0, age < self.table.count else { return nil }
        let entry = self.table.entry(age)
        guard entry.known == known, self.table.value(entry).elementsEqual(value),
            known != .other || self.table.name(entry).elementsEqual(name)
        else { return nil }
        return HPACKStaticTable.count + 1 + age
    }

    private enum Indexing { case incremental, without, never }

    private static func indexing(_ name: FieldName) -> Indexing {
        switch name {
        // Secrets: no intermediary may put them into a table (RFC 7541 §7.1.3).
        case .authorization, .proxyAuthorization, .cookie, .setCookie: .never
        // Hardly ever the same twice.
        case .contentLength, .xRequestID, .traceparent, .tracestate, .etag, .age, .grpcTimeout, .weftDeadline,
            .xEnvoyExpectedTimeout, .idempotencyKey, .lastModified, .ifNoneMatch, .ifModifiedSince, .b3, .xB3TraceID,
            .xB3SpanID, .xB3ParentSpanID:
            .without
        default: .incremental
        }
    }

    /// A hash that need not resist an attacker: the table is small, and a miss costs a literal.
    @inline(__always)
    private static func hash(
        _ known: FieldName, _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer
    ) -> UInt32 {
        var hash = UInt64(known.rawValue) &+ 0x9e37_79b9_7f4a_7c15
        if known == .other { Self.mix(name, into: &hash) }
        Self.mix(value, into: &hash)
        hash ^= hash >> 32
        return UInt32(truncatingIfNeeded: hash) | 1
    }

    @inline(__always)
    private static func mix(_ bytes: UnsafeRawBufferPointer, into hash: inout UInt64) {
        var index = 0
        while index + 8 <= bytes.count {
            hash = (hash ^ bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)) &* 0xff51_afd7_ed55_8ccd
            hash ^= hash >> 29
            index += 8
        }
        var rest = UInt64(bytes.count)
        while index < bytes.count {
            rest = rest << 8 | UInt64(bytes[index])
            index += 1
        }
        hash = (hash ^ rest) &* 0xc4ce_b9fe_1a85_ec53
        hash ^= hash >> 31
    }
}

/// Writes HPACK primitives into memory that is known to suffice.
private struct HPACKWriter {
    private let target: UnsafeMutableBufferPointer<UInt8>
    private(set) var count = 0

    init(_ target: UnsafeMutableBufferPointer<UInt8>) { self.target = target }

    @inline(__always)
    private mutating func byte(_ byte: UInt8) {
        self.target[self.count] = byte
        self.count += 1
    }

    @inline(__always)
    mutating func integer(_ value: Int, prefix: Int, pattern: UInt8) {
        let most = 1 << prefix - 1
        if value < most { return self.byte(pattern | UInt8(truncatingIfNeeded: value)) }
        self.byte(pattern | UInt8(truncatingIfNeeded: most))
        var rest = value - most
        while rest >= 128 {
            self.byte(UInt8(truncatingIfNeeded: rest & 0x7f | 0x80))
            rest >>= 7
        }
        self.byte(UInt8(truncatingIfNeeded: rest))
    }

    mutating func string(_ text: UnsafeRawBufferPointer, huffman: Bool) {
        if huffman {
            let encoded = HuffmanCode.shared.encodedCount(text)
            if encoded < text.count, let base = self.target.baseAddress {
                self.integer(encoded, prefix: 7, pattern: 0x80)
                HuffmanCode.shared.encode(text, into: base + self.count)
                self.count += encoded
                return
            }
        }
        self.integer(text.count, prefix: 7, pattern: 0)
        guard let source = text.baseAddress, let base = self.target.baseAddress, !text.isEmpty else { return }
        UnsafeMutableRawPointer(base + self.count).copyMemory(from: source, byteCount: text.count)
        self.count += text.count
    }
}
