import WeftMessage

/// Why a header block could not be decoded: the connection cannot go on (COMPRESSION_ERROR, RFC 9113 §4.3).
struct HPACKError: Error, Hashable {
    var cause: String

    init(_ cause: String) { self.cause = cause }
}

/// Decodes the header blocks of one direction of a connection (RFC 7541).
///
/// Whatever a block holds, the dynamic table stays in step, so that one bad message does not cost the connection.
struct HPACKDecoder {
    /// What a block turned out to be.
    enum Outcome: Hashable {
        case complete
        /// More bytes or fields than allowed; those beyond were dropped.
        case tooLarge
        /// A name or value that HTTP forbids; the text says which.
        case malformed(String)
    }

    private var table: HPACKDynamicTable
    /// The size we announced; an update beyond it is an error.
    private let maxTableSize: Int
    // Kept between blocks so that decoding a literal allocates only when it is longer than any before.
    private var nameBytes: [UInt8] = []
    private var valueBytes: [UInt8] = []

    /// - Parameter maxTableSize: what our SETTINGS_HEADER_TABLE_SIZE says; default 4096 bytes.
    init(maxTableSize: Int = 4096) {
        self.maxTableSize = maxTableSize
        self.table = HPACKDynamicTable(maxSize: maxTableSize)
    }

    /// Decodes a whole block and appends its fields.
    ///
    /// - Parameters:
    ///   - maxListSize: bound on name + value + 32 over all fields.
    ///   - maxFields: bound on their number.
    mutating func decode(
        _ block: UnsafeRawBufferPointer, into headers: inout HeaderBlock, maxListSize: Int, maxFields: Int
    ) throws(HPACKError) -> Outcome {
        var reader = Reader(bytes: block)
        var room = Room(listSize: maxListSize, fields: maxFields)
        var flaw: String?
        var mayResize = true
        while let first = reader.next() {
            if first & 0x80 != 0 {
                mayResize = false
                let index = try reader.integer(first, prefix: 7)
                try self.appendIndexed(index, to: &headers, &room, &flaw)
            } else if first & 0x40 != 0 {
                mayResize = false
                try self.literal(first, prefix: 6, inserts: true, &reader, to: &headers, &room, &flaw)
            } else if first & 0x20 != 0 {
                guard mayResize else { throw HPACKError("table size update after the first field") }
                let size = try reader.integer(first, prefix: 5)
                guard size <= self.maxTableSize else {
                    throw HPACKError("table size \(size) above \(self.maxTableSize)")
                }
                self.table.setMaxSize(size)
            } else {
                mayResize = false
                try self.literal(first, prefix: 4, inserts: false, &reader, to: &headers, &room, &flaw)
            }
        }
        if let flaw { return .malformed(flaw) }
        return room.exceeded ? .tooLarge : .complete
    }

    private mutating func appendIndexed(
        _ index: Int, to headers: inout HeaderBlock, _ room: inout Room, _ flaw: inout String?
    ) throws(HPACKError) {
        guard index > 0 else { throw HPACKError("index 0") }
        if index <= HPACKStaticTable.count {
            let entry = HPACKStaticTable.entries[index - 1]
            guard room.take(entry.nameBytes.count + entry.valueBytes.count) else { return }
            headers.append(interned: entry.known, name: entry.nameBytes, value: entry.valueBytes)
            return
        }
        guard let entry = self.table[index - HPACKStaticTable.count - 1] else {
            throw HPACKError("index \(index) beyond the table")
        }
        if flaw == nil { flaw = entry.flaw }
        guard room.take(entry.nameCount + entry.value.count) else { return }
        entry.name.withUnsafeBytes { name in
            entry.value.withUnsafeBytes { headers.append(interned: entry.known, name: name, value: $0) }
        }
    }

    private mutating func literal(
        _ first: UInt8, prefix: UInt8, inserts: Bool, _ reader: inout Reader, to headers: inout HeaderBlock,
        _ room: inout Room, _ flaw: inout String?
    ) throws(HPACKError) {
        let nameIndex = try reader.integer(first, prefix: prefix)
        var known = FieldName.other
        var ownFlaw: String?
        self.nameBytes.removeAll(keepingCapacity: true)
        if nameIndex == 0 {
            try reader.string(into: &self.nameBytes)
            known = self.nameBytes.withUnsafeBytes { FieldName(lowercased: $0) }
            if known == .other { ownFlaw = self.nameBytes.withUnsafeBytes { Self.flaw(inName: $0) } }
        } else if nameIndex <= HPACKStaticTable.count {
            let entry = HPACKStaticTable.entries[nameIndex - 1]
            known = entry.known
            if known == .other { self.nameBytes.append(contentsOf: entry.nameBytes) }
        } else {
            guard let entry = self.table[nameIndex - HPACKStaticTable.count - 1] else {
                throw HPACKError("index \(nameIndex) beyond the table")
            }
            known = entry.known
            self.nameBytes.append(contentsOf: entry.name)
            if known == .other { ownFlaw = self.nameBytes.withUnsafeBytes { Self.flaw(inName: $0) } }
        }
        self.valueBytes.removeAll(keepingCapacity: true)
        try reader.string(into: &self.valueBytes)
        if ownFlaw == nil { ownFlaw = self.valueBytes.withUnsafeBytes { Self.flaw(inValue: $0) } }
        if flaw == nil { flaw = ownFlaw }

        let nameCount = known == .other ? self.nameBytes.count : known.text.utf8CodeUnitCount
        if room.take(nameCount + self.valueBytes.count), nameCount <= Int(UInt16.max) {
            self.nameBytes.withUnsafeBytes { name in
                self.valueBytes.withUnsafeBytes { headers.append(interned: known, name: name, value: $0) }
            }
        }
        if inserts {
            self.table.insert(
                HPACKDynamicTable.Entry(
                    known: known, name: known == .other ? self.nameBytes : [], value: self.valueBytes, flaw: ownFlaw))
        }
    }

    /// Why HTTP forbids this name (RFC 9113 §8.2.1); nil when it does not.
    private static func flaw(inName name: UnsafeRawBufferPointer) -> String? {
        if name.isEmpty { return "empty field name" }
        if name[0] == UInt8(ascii: ":") { return "unknown pseudo-header field" }
        for byte in name where !Self.isNameByte[Int(byte)] { return "byte \(byte) in a field name" }
        return nil
    }

    /// Why HTTP forbids this value (RFC 9113 §8.2.1); nil when it does not.
    private static func flaw(inValue value: UnsafeRawBufferPointer) -> String? {
        guard let first = value.first, let last = value.last else { return nil }
        if first == 0x20 || first == 0x09 || last == 0x20 || last == 0x09 { return "space around a field value" }
        for byte in value where byte < 0x20 && byte != 0x09 || byte == 0x7f { return "byte \(byte) in a field value" }
        return nil
    }

    /// Token bytes without upper-case letters.
    private static let isNameByte: [Bool] = (0..<256).map { code in
        switch UInt8(truncatingIfNeeded: code) {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case let byte: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }

    /// What may still be appended.
    private struct Room {
        var listSize: Int
        var fields: Int
        var exceeded = false

        init(listSize: Int, fields: Int) {
            self.listSize = listSize
            self.fields = fields
        }

        mutating func take(_ bytes: Int) -> Bool {
            self.listSize -= bytes + 32
            self.fields -= 1
            if self.listSize < 0 || self.fields < 0 { self.exceeded = true }
            return !self.exceeded
        }
    }

    /// Reads integers and strings (RFC 7541 §5).
    private struct Reader {
        let bytes: UnsafeRawBufferPointer
        var position = 0

        init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

        mutating func next() -> UInt8? {
            guard self.position < self.bytes.count else { return nil }
            defer { self.position += 1 }
            return self.bytes[self.position]
        }

        mutating func integer(_ first: UInt8, prefix: UInt8) throws(HPACKError) -> Int {
            let mask = UInt8((1 << UInt16(prefix)) - 1)
            var value = Int(first & mask)
            guard value == Int(mask) else { return value }
            var shift = 0
            while let byte = self.next() {
                // Four continuation bytes are more than any size or index that we accept.
                guard shift <= 21 else { throw HPACKError("integer too large") }
                value += Int(byte & 0x7f) << shift
                shift += 7
                if byte & 0x80 == 0 { return value }
            }
            throw HPACKError("integer cut off")
        }

        mutating func string(into output: inout [UInt8]) throws(HPACKError) {
            guard let first = self.next() else { throw HPACKError("string cut off") }
            let count = try self.integer(first, prefix: 7)
            guard count <= self.bytes.count - self.position else { throw HPACKError("string cut off") }
            let raw = UnsafeRawBufferPointer(rebasing: self.bytes[self.position..<self.position + count])
            self.position += count
            if first & 0x80 == 0 {
                output.append(contentsOf: raw)
            } else if !HPACKHuffman.decode(raw, into: &output) {
                throw HPACKError("bad Huffman code")
            }
        }
    }
}
