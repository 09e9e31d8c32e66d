// What the codecs need beyond the plain interface: building from unchecked wire bytes, and walking all fields at once.

extension HeaderBlock {
    /// Appends a field whose name is not well known, putting the name into lower case.
    ///
    /// - Returns: false, with nothing appended, when the name is empty, too long, or holds a byte that no token may.
    package mutating func append(foldingName name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) -> Bool {
        guard !name.isEmpty, name.count <= Int(UInt16.max) else { return false }
        assert(FieldName(anyCase: name) == .other, "a well-known name that has not been interned")
        let nameStart = self.bytes.count
        for byte in name {
            let folded = TokenTable.shared.folded[Int(byte)]
            guard folded != 0 else {
                self.bytes.removeSubrange(nameStart...)
                return false
            }
            self.bytes.append(folded)
        }
        let valueStart = self.bytes.count
        self.bytes.append(contentsOf: value)
        self.fields.append(
            Field(
                nameStart: UInt32(truncatingIfNeeded: nameStart), nameCount: UInt16(truncatingIfNeeded: name.count),
                name: .other, valueStart: UInt32(truncatingIfNeeded: valueStart),
                valueCount: UInt32(truncatingIfNeeded: value.count)))
        return true
    }

    /// Gives the field at `index` another value; it keeps its place.
    package mutating func setValue(at index: Int, to value: UnsafeRawBufferPointer) {
        if value.count == Int(self.fields[index].valueCount) {
            // In its old place: nothing grows.
            let place = Int(self.fields[index].valueStart)
            self.bytes.withUnsafeMutableBytes { bytes in
                UnsafeMutableRawBufferPointer(rebasing: bytes[place..<(place + value.count)]).copyMemory(from: value)
            }
            return
        }
        let start = self.bytes.count
        self.bytes.append(contentsOf: value)
        self.fields[index].valueStart = UInt32(truncatingIfNeeded: start)
        self.fields[index].valueCount = UInt32(truncatingIfNeeded: value.count)
    }

    /// Puts a field in front of all others.
    package mutating func prepend(_ name: FieldName, value: UnsafeRawBufferPointer) {
        self.append(name, value: value)
        self.fields.insert(self.fields.removeLast(), at: 0)
    }

    /// Moves the field at `index` to the front.
    package mutating func moveToFront(_ index: Int) {
        let field = self.fields.remove(at: index)
        self.fields.insert(field, at: 0)
    }

    /// Calls `body` once with all bytes and all places, for a codec that walks every field.
    @inlinable
    package func withFields<Result>(
        _ body: (UnsafeRawBufferPointer, UnsafeBufferPointer<Field>) throws -> Result
    ) rethrows -> Result {
        try self.bytes.withUnsafeBytes { bytes in
            try self.fields.withUnsafeBufferPointer { try body(bytes, $0) }
        }
    }
}

/// Which bytes a token may hold (RFC 9110 §5.6.2), and each in lower case.
package struct TokenTable: @unchecked Sendable {
    // Unchecked because of the pointer; nothing is written after the initializer.
    package static let shared = TokenTable()

    /// The byte in lower case; 0 for a byte that is not allowed.
    package let folded: UnsafePointer<UInt8>

    private init() {
        let table = UnsafeMutablePointer<UInt8>.allocate(capacity: 256)
        table.initialize(repeating: 0, count: 256)
        let punctuation: StaticString = "!#$%&'*+-.^_`|~"
        for index in 0..<punctuation.utf8CodeUnitCount {
            let byte = punctuation.utf8Start[index]
            table[Int(byte)] = byte
        }
        for byte in UInt8(ascii: "0")...UInt8(ascii: "9") { table[Int(byte)] = byte }
        for byte in UInt8(ascii: "a")...UInt8(ascii: "z") {
            table[Int(byte)] = byte
            table[Int(byte) - 32] = byte
        }
        self.folded = UnsafePointer(table)
    }

    /// Whether `bytes` is a token: not empty, allowed bytes only.
    package func isToken(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard !bytes.isEmpty else { return false }
        for byte in bytes where self.folded[Int(byte)] == 0 { return false }
        return true
    }
}
