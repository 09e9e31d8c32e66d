internal import WeftMessage

/// What cannot be decoded: a connection error, since both sides' tables may differ from then on.
struct HPACKError: Error {
    var cause: String
}

/// Decodes header blocks (RFC 7541), straight into a `HeaderBlock`.
final class HPACKDecoder {
    /// What a block turned out to be. Whatever it is, the table stays in step.
    enum Outcome: Hashable {
        case complete
        /// The list was larger than allowed; what did not fit was decoded and dropped.
        case tooLarge
        /// A name or value breaks the rules for fields; the block does not have it.
        case malformed
    }

    private let table: HPACKDynamicTable
    private let maxTableSize: Int
    private let nameScratch = ScratchMemory()
    private let valueScratch = ScratchMemory()

    /// - Parameter maxTableSize: the SETTINGS_HEADER_TABLE_SIZE that we have announced.
    init(maxTableSize: Int = 4_096) {
        self.table = HPACKDynamicTable(capacity: maxTableSize)
        self.maxTableSize = maxTableSize
    }

    /// - Parameter maxListSize: bytes of the list, name + value + 32 a field.
    func decode(
        _ bytes: UnsafeRawBufferPointer, into block: inout HeaderBlock, maxListSize: Int, maxFields: Int
    ) throws(HPACKError) -> Outcome {
        var outcome = Outcome.complete
        var room = maxListSize
        var position = 0
        var sizeUpdates = 0
        while position < bytes.count {
            let first = bytes[position]
            if first & 0x80 != 0 {
                let index = try Self.integer(bytes, &position, prefix: 7)
                try self.emitIndexed(index, into: &block, &outcome, &room, maxFields)
                sizeUpdates = 2
            } else if first & 0xe0 == 0x20 {
                let size = try Self.integer(bytes, &position, prefix: 5)
                sizeUpdates += 1
                guard sizeUpdates <= 2 else { throw HPACKError(cause: "a table size update out of place") }
                guard size <= self.maxTableSize else { throw HPACKError(cause: "a table size above the announced") }
                self.table.resize(to: size)
            } else {
                sizeUpdates = 2
                let isIndexed = first & 0xc0 == 0x40
                let nameIndex = try Self.integer(bytes, &position, prefix: isIndexed ? 6 : 4)
                var known: FieldName
                let name: UnsafeRawBufferPointer
                let nameVerdict: HPACKVerdict
                if nameIndex == 0 {
                    name = try self.string(bytes, &position, self.nameScratch)
                    known = FieldName(anyCase: name)
                    nameVerdict = Self.verdict(name, known)
                    // A malformed name must not pass for the well-known one that it resembles.
                    if nameVerdict == .malformed { known = .other }
                } else {
                    (known, name, nameVerdict) = try self.name(nameIndex)
                }
                let value = try self.string(bytes, &position, self.valueScratch)
                // The name is what it is whatever the value: an entry with a bad value may be referred to for its name.
                let verdict = Self.isValue(value) ? nameVerdict : .malformed
                self.emit(known, name, value, verdict, into: &block, &outcome, &room, maxFields)
                if isIndexed {
                    self.table.insert(
                        known: known, name: name, value: value, nameVerdict: nameVerdict, verdict: verdict)
                }
            }
        }
        return outcome
    }

    private func emit(
        _ known: FieldName, _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, _ verdict: HPACKVerdict,
        into block: inout HeaderBlock, _ outcome: inout Outcome, _ room: inout Int, _ maxFields: Int
    ) {
        if verdict == .malformed, outcome == .complete { outcome = .malformed }
        room -= name.count + value.count + 32
        guard room >= 0, block.count < maxFields else {
            outcome = .tooLarge
            return
        }
        guard verdict == .good else { return }
        block.append(interned: known, name: name, value: value)
    }

    private func emitIndexed(
        _ index: Int, into block: inout HeaderBlock, _ outcome: inout Outcome, _ room: inout Int, _ maxFields: Int
    ) throws(HPACKError) {
        if index > HPACKStaticTable.count {
            let age = index - HPACKStaticTable.count - 1
            guard age < self.table.count else { throw HPACKError(cause: "an index beyond the table") }
            let entry = self.table.entry(age)
            self.emit(
                entry.known, self.table.name(entry), self.table.value(entry), entry.verdict, into: &block,
                &outcome, &room, maxFields)
        } else {
            guard index > 0 else { throw HPACKError(cause: "index zero") }
            let entry = HPACKStaticTable.shared.entries[index - 1]
            self.emit(
                entry.known, Self.bytes(entry.name), Self.bytes(entry.value), .good, into: &block, &outcome, &room,
                maxFields)
        }
    }

    /// A name by index, and what it deserves; copied where inserting the new entry could overwrite it.
    private func name(_ index: Int) throws(HPACKError) -> (FieldName, UnsafeRawBufferPointer, HPACKVerdict) {
        if index <= HPACKStaticTable.count {
            let entry = HPACKStaticTable.shared.entries[index - 1]
            return (entry.known, Self.bytes(entry.name), .good)
        }
        let age = index - HPACKStaticTable.count - 1
        guard age < self.table.count else { throw HPACKError(cause: "an index beyond the table") }
        let entry = self.table.entry(age)
        let name = self.table.name(entry)
        if entry.known != .other { return (entry.known, name, .good) }
        self.nameScratch.reserve(name.count)
        if let base = name.baseAddress {
            UnsafeMutableRawPointer(self.nameScratch.memory).copyMemory(from: base, byteCount: name.count)
        }
        let copy = UnsafeRawBufferPointer(start: self.nameScratch.memory, count: name.count)
        return (.other, copy, entry.nameVerdict)
    }

    private func string(
        _ bytes: UnsafeRawBufferPointer, _ position: inout Int, _ scratch: ScratchMemory
    ) throws(HPACKError) -> UnsafeRawBufferPointer {
        guard position < bytes.count else { throw HPACKError(cause: "a block that ends within a field") }
        let isEncoded = bytes[position] & 0x80 != 0
        let count = try Self.integer(bytes, &position, prefix: 7)
        guard count <= bytes.count - position else { throw HPACKError(cause: "a string longer than its block") }
        let text = UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
        position += count
        guard isEncoded else { return text }
        scratch.reserve(HuffmanCode.decodedBound(count))
        guard let decoded = HuffmanCode.shared.decode(text, into: scratch.memory) else {
            throw HPACKError(cause: "a string that is no Huffman code")
        }
        return UnsafeRawBufferPointer(start: scratch.memory, count: decoded)
    }

    /// An integer with a prefix of so many bits (RFC 7541 §5.1), refused above 2^28.
    private static func integer(
        _ bytes: UnsafeRawBufferPointer, _ position: inout Int, prefix: Int
    ) throws(HPACKError) -> Int {
        let most = 1 << prefix - 1
        var value = Int(bytes[position]) & most
        position += 1
        guard value == most else { return value }
        var shift = 0
        while true {
            guard position < bytes.count else { throw HPACKError(cause: "a block that ends within a number") }
            guard shift <= 21 else { throw HPACKError(cause: "a number that is too large") }
            let byte = bytes[position]
            position += 1
            value += Int(byte & 0x7f) << shift
            shift += 7
            if byte & 0x80 == 0 { return value }
        }
    }

    private static func bytes(_ text: StaticString) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }

    private static func verdict(_ name: UnsafeRawBufferPointer, _ known: FieldName) -> HPACKVerdict {
        guard Self.isName(name, known) else { return .malformed }
        return known == .other && FieldName.isAliasOfProtected(name) ? .dropped : .good
    }

    /// A token in lower case, or a known pseudo-header name.
    private static func isName(_ name: UnsafeRawBufferPointer, _ known: FieldName) -> Bool {
        guard !name.isEmpty, name.count <= Int(UInt16.max) else { return false }
        let folded = TokenTable.shared.folded
        var index = 0
        if name[0] == UInt8(ascii: ":") {
            guard known.isPseudo else { return false }
            index = 1
        }
        while index < name.count {
            let byte = name[index]
            guard byte != 0, folded[Int(byte)] == byte else { return false }
            index += 1
        }
        return true
    }

    /// No control characters, and no white space at the ends (RFC 9113 §8.2.1).
    private static func isValue(_ value: UnsafeRawBufferPointer) -> Bool {
        guard !value.isEmpty else { return true }
        return !FieldSyntax.isSpace(value[0]) && !FieldSyntax.isSpace(value[value.count - 1])
            && FieldSyntax.isValue(value)
    }
}

/// Memory that is used again and again and grows as needed.
final class ScratchMemory {
    private(set) var memory = UnsafeMutablePointer<UInt8>.allocate(capacity: 512)
    private var capacity = 512

    /// Makes room; what was there is lost.
    func reserve(_ count: Int) {
        guard count > self.capacity else { return }
        self.memory.deallocate()
        self.capacity = count
        self.memory = .allocate(capacity: count)
    }

    deinit { self.memory.deallocate() }
}
