/// HTTP fields (or trailers) in one contiguous run of bytes with offsets, in order, names in lower case.
///
/// Duplicates keep their order. Pseudo-header fields (`:method`, `:path`, …) live in the block as in HTTP/2 and come
/// first. A value: copies share storage until one changes. A proxy matches and forwards bytes; a `String` is made only
/// where a rule or a log needs one. Names and values have been checked by the codec or are our own: the block does not
/// check them again.
package struct HeaderBlock: Sendable {
    /// Names and values, one after another.
    package internal(set) var bytes: [UInt8]
    /// Where each field lies in `bytes`, in order.
    package internal(set) var fields: [Field]
    /// How names are written in HTTP/1, where a field has no spelling of its own.
    package var nameForm = NameForm.lower

    /// One field's place.
    package struct Field: Sendable {
        package var nameStart: UInt32
        package var nameCount: UInt16
        /// The well-known name, or `.other`.
        package var name: FieldName
        package var valueStart: UInt32
        package var valueCount: UInt32
        /// How the name was written: 0 as the block's form gives it, else 1 + where it lies in `bytes`, as long as the name.
        package var spelling: UInt32 = 0
    }

    package init() {
        self.bytes = []
        self.fields = []
    }

    /// Room for a usual head, so that building one allocates twice.
    package init(reservingBytes byteCount: Int, fields fieldCount: Int) {
        self.init()
        self.bytes.reserveCapacity(byteCount)
        self.fields.reserveCapacity(fieldCount)
    }

    /// The number of fields, pseudo-header fields included.
    package var count: Int { self.fields.count }
    package var isEmpty: Bool { self.fields.isEmpty }

    /// Size as HTTP counts it against limits: name, value and 32 for each field (RFC 9113 §6.5.2).
    package var listSize: Int {
        self.fields.reduce(0) { $0 + Int($1.nameCount) + Int($1.valueCount) + 32 }
    }

    /// Forgets all fields and keeps the storage.
    package mutating func removeAll() {
        self.bytes.removeAll(keepingCapacity: true)
        self.fields.removeAll(keepingCapacity: true)
        self.nameForm = .lower
    }

    // MARK: Building

    /// Appends a field. `name` must be in lower case and at most 65 535 bytes.
    package mutating func append(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        let known = FieldName(lowercased: name)
        let nameStart = UInt32(truncatingIfNeeded: self.bytes.count)
        if known == .other { self.bytes.append(contentsOf: name) }
        let valueStart = UInt32(truncatingIfNeeded: self.bytes.count)
        self.bytes.append(contentsOf: value)
        self.fields.append(
            Field(
                nameStart: nameStart, nameCount: UInt16(truncatingIfNeeded: name.count), name: known,
                valueStart: valueStart, valueCount: UInt32(truncatingIfNeeded: value.count)))
    }

    /// Appends a field whose name has been interned before; `name` counts only when `known` is `.other`.
    ///
    /// Rules look for names by what they are interned as, so that one well-known name passed off as `.other` would get
    /// past them all: such a name is interned again. It costs a look into a table that mostly has nothing there.
    package mutating func append(
        interned known: FieldName, name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer
    ) {
        if known != .other { return self.append(known, value: value) }
        let again = FieldName(lowercased: name)
        if again != .other { return self.append(again, value: value) }
        let nameStart = UInt32(truncatingIfNeeded: self.bytes.count)
        self.bytes.append(contentsOf: name)
        let valueStart = UInt32(truncatingIfNeeded: self.bytes.count)
        self.bytes.append(contentsOf: value)
        self.fields.append(
            Field(
                nameStart: nameStart, nameCount: UInt16(truncatingIfNeeded: name.count), name: .other,
                valueStart: valueStart, valueCount: UInt32(truncatingIfNeeded: value.count)))
    }

    /// Appends a field of a well-known name.
    package mutating func append(_ name: FieldName, value: UnsafeRawBufferPointer) {
        let start = UInt32(truncatingIfNeeded: self.bytes.count)
        self.bytes.append(contentsOf: value)
        self.fields.append(
            Field(
                nameStart: start, nameCount: UInt16(truncatingIfNeeded: name.text.utf8CodeUnitCount), name: name,
                valueStart: start, valueCount: UInt32(truncatingIfNeeded: value.count)))
    }

    package mutating func append(_ name: FieldName, _ value: String) {
        var value = value
        value.withUTF8 { self.append(name, value: UnsafeRawBufferPointer($0)) }
    }

    /// Appends a field; `name` is put into lower case.
    package mutating func append(_ name: String, _ value: String) {
        var name = name.lowercased()
        var value = value
        name.withUTF8 { name in
            value.withUTF8 { value in
                self.append(name: UnsafeRawBufferPointer(name), value: UnsafeRawBufferPointer(value))
            }
        }
    }

    /// Appends a decimal number.
    package mutating func append(_ name: FieldName, _ number: Int) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var position = 20
            var rest = number.magnitude
            repeat {
                position -= 1
                digits[position] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            self.append(name, value: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(digits)[position...]))
        }
    }

    // MARK: Reading

    /// The index of the first field of this name, from `start`.
    package func firstIndex(of name: FieldName, from start: Int = 0) -> Int? {
        var index = start
        while index < self.fields.count {
            if self.fields[index].name == name { return index }
            index += 1
        }
        return nil
    }

    /// The index of the first field of this name (given in lower case), from `start`.
    package func firstIndex(of name: String, from start: Int = 0) -> Int? {
        let known = FieldName(name)
        if known != .other { return self.firstIndex(of: known, from: start) }
        var index = start
        while index < self.fields.count {
            if self.fields[index].name == .other, self.withName(at: index, { $0.elementsEqual(name.utf8) }) {
                return index
            }
            index += 1
        }
        return nil
    }

    package func contains(_ name: FieldName) -> Bool { self.firstIndex(of: name) != nil }

    /// The field's name as bytes, in lower case.
    @inlinable
    package func withName<Result>(at index: Int, _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        let field = self.fields[index]
        if field.name != .other {
            return try body(
                UnsafeRawBufferPointer(start: field.name.text.utf8Start, count: field.name.text.utf8CodeUnitCount))
        }
        return try self.bytes.withUnsafeBytes { bytes in
            let start = Int(field.nameStart)
            return try body(UnsafeRawBufferPointer(rebasing: bytes[start..<start + Int(field.nameCount)]))
        }
    }

    /// The field's value as bytes.
    @inlinable
    package func withValue<Result>(at index: Int, _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result
    {
        let field = self.fields[index]
        return try self.bytes.withUnsafeBytes { bytes in
            let start = Int(field.valueStart)
            return try body(UnsafeRawBufferPointer(rebasing: bytes[start..<start + Int(field.valueCount)]))
        }
    }

    /// The field's name as text.
    package func name(at index: Int) -> String { self.withName(at: index) { String(decoding: $0, as: UTF8.self) } }

    /// The field's value as text; bytes that are not UTF-8 are repaired.
    package func value(at index: Int) -> String { self.withValue(at: index) { String(decoding: $0, as: UTF8.self) } }

    /// The first value of this name as text.
    package subscript(_ name: FieldName) -> String? { self.firstIndex(of: name).map { self.value(at: $0) } }

    /// The first value of this name (given in lower case) as text.
    package subscript(_ name: String) -> String? { self.firstIndex(of: name).map { self.value(at: $0) } }

    /// All values of this name (given in lower case), in order.
    package func values(of name: String) -> [String] {
        var values: [String] = []
        var next = self.firstIndex(of: name)
        while let index = next {
            values.append(self.value(at: index))
            next = self.firstIndex(of: name, from: index + 1)
        }
        return values
    }

    /// The first value of this name as a decimal number without sign; nil when absent, malformed or above `Int.max`.
    package func number(_ name: FieldName) -> Int? {
        guard let index = self.firstIndex(of: name) else { return nil }
        return self.withValue(at: index) { Int(decimal: $0) }
    }

    // MARK: Changing

    /// Removes every field of this name.
    package mutating func remove(_ name: FieldName) {
        guard self.contains(name) else { return }
        self.fields.removeAll { $0.name == name }
    }

    /// Removes every field of this name (given in lower case).
    package mutating func remove(_ name: String) {
        let known = FieldName(name)
        if known != .other { return self.remove(known) }
        while let index = self.firstIndex(of: name) { self.fields.remove(at: index) }
    }

    package mutating func remove(at index: Int) { self.fields.remove(at: index) }

    /// Overwrites the first field of this name, removes its duplicates, or appends it. Keeps its place.
    package mutating func set(_ name: FieldName, value: UnsafeRawBufferPointer) {
        guard let index = self.firstIndex(of: name) else { return self.append(name, value: value) }
        let start = UInt32(truncatingIfNeeded: self.bytes.count)
        self.bytes.append(contentsOf: value)
        self.fields[index].valueStart = start
        self.fields[index].valueCount = UInt32(truncatingIfNeeded: value.count)
        while let duplicate = self.firstIndex(of: name, from: index + 1) { self.fields.remove(at: duplicate) }
    }

    package mutating func set(_ name: FieldName, _ value: String) {
        var value = value
        value.withUTF8 { self.set(name, value: UnsafeRawBufferPointer($0)) }
    }

    package mutating func set(_ name: FieldName, _ number: Int) {
        self.remove(name)
        self.append(name, number)
    }

    /// Adds a member to a list: to the last field of this name, or as a field of its own.
    package mutating func appendMember(_ name: FieldName, _ text: String) {
        guard let index = self.fields.lastIndex(where: { $0.name == name }) else { return self.append(name, text) }
        let start = self.bytes.count
        let old = self.fields[index]
        self.bytes.reserveCapacity(start + Int(old.valueCount) + 2 + text.utf8.count)
        for place in Int(old.valueStart)..<Int(old.valueStart + old.valueCount) { self.bytes.append(self.bytes[place]) }
        if old.valueCount > 0 { self.bytes.append(contentsOf: [UInt8(ascii: ","), UInt8(ascii: " ")]) }
        self.bytes.append(contentsOf: text.utf8)
        self.fields[index].valueStart = UInt32(truncatingIfNeeded: start)
        self.fields[index].valueCount = UInt32(truncatingIfNeeded: self.bytes.count - start)
    }

    /// Overwrites or appends; `name` is put into lower case.
    package mutating func set(_ name: String, _ value: String) {
        let name = name.lowercased()
        let known = FieldName(name)
        if known != .other { return self.set(known, value) }
        self.remove(name)
        self.append(name, value)
    }
}

extension HeaderBlock: Equatable {
    /// Same names and values in the same order, wherever they lie.
    package static func == (left: HeaderBlock, right: HeaderBlock) -> Bool {
        guard left.count == right.count else { return false }
        for index in 0..<left.count {
            let same = left.withName(at: index) { name in
                right.withName(at: index) { name.elementsEqual($0) }
            }
            guard same, left.withValue(at: index, { value in right.withValue(at: index) { value.elementsEqual($0) } })
            else { return false }
        }
        return true
    }
}

extension HeaderBlock: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, String)...) {
        self.init()
        for (name, value) in elements { self.append(name, value) }
    }
}

extension HeaderBlock: CustomStringConvertible {
    package var description: String {
        (0..<self.count).map { "\(self.name(at: $0)): \(self.value(at: $0))" }.joined(separator: "\n")
    }
}

extension Int {
    /// Reads an unsigned decimal number; nil when empty, when another byte occurs, or above `Int.max`.
    package init?(decimal bytes: UnsafeRawBufferPointer) {
        guard !bytes.isEmpty else { return nil }
        var value = 0
        for byte in bytes {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            let (scaled, tooBig) = value.multipliedReportingOverflow(by: 10)
            let (sum, over) = scaled.addingReportingOverflow(Int(byte - UInt8(ascii: "0")))
            if tooBig || over { return nil }
            value = sum
        }
        self = value
    }
}
