// How names were written. Names mean the same in any case and are matched in lower case; yet applications exist that look
// for `Content-Type` and find no `content-type`, so that HTTP/1 writes them as the other side's application did. HTTP/2
// has lower case only (RFC 9113 §8.2.1): between two sidecars the spelling travels in one field, `x-weft-case`.

/// How a block's names are written in HTTP/1, unless a field has a spelling of its own.
package enum NameForm: UInt8, Sendable {
    /// `content-type`: the default, and all there is in HTTP/2.
    case lower
    /// `Content-Type`: the first letter, and each after a hyphen.
    case train

    /// Whether this form gives exactly `name`.
    @inlinable
    package func gives(_ name: UnsafeRawBufferPointer) -> Bool {
        var wantsCapital = self == .train
        for byte in name {
            let isCapital = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
            if isCapital {
                guard wantsCapital else { return false }
            } else if wantsCapital, byte >= UInt8(ascii: "a"), byte <= UInt8(ascii: "z") {
                return false
            }
            wantsCapital = self == .train && byte == UInt8(ascii: "-")
        }
        return true
    }

    /// Writes a name given in lower case in this form.
    @inlinable
    package func write(_ name: UnsafeRawBufferPointer, to target: UnsafeMutableRawBufferPointer) {
        var wantsCapital = self == .train
        for index in 0..<name.count {
            let byte = name[index]
            let isLetter = byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z")
            target[index] = wantsCapital && isLetter ? byte & 0xdf : byte
            wantsCapital = self == .train && byte == UInt8(ascii: "-")
        }
    }
}

extension HeaderBlock {
    /// Spellings that one `x-weft-case` carries; further names are written in the block's form.
    private static var maxSpellings: Int { 100 }

    /// Takes the form of the block from the first name that its sender wrote.
    package mutating func takeForm(fromFirst name: UnsafeRawBufferPointer) {
        guard let first = name.first else { return }
        self.nameForm = first >= UInt8(ascii: "A") && first <= UInt8(ascii: "Z") ? .train : .lower
    }

    /// Keeps how the last field's name is written, where the block's form does not give it. `name` must be that field's in
    /// some case.
    package mutating func keepSpellingOfLast(_ name: UnsafeRawBufferPointer) {
        guard !self.nameForm.gives(name) else { return }
        let last = self.fields.count - 1
        guard name.count == Int(self.fields[last].nameCount) else { return }
        self.fields[last].spelling = 1 + UInt32(truncatingIfNeeded: self.bytes.count)
        self.bytes.append(contentsOf: name)
    }

    /// Calls `body` with the field's own spelling, where it has one.
    package func withSpelling(at index: Int, _ body: (UnsafeRawBufferPointer) -> Void) {
        let field = self.fields[index]
        guard field.spelling != 0 else { return }
        let start = Int(field.spelling) - 1
        self.bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[start..<start + Int(field.nameCount)])) }
    }

    /// The field's name as HTTP/1 writes it.
    package func spelling(at index: Int) -> String {
        let field = self.fields[index]
        if field.spelling != 0 {
            let start = Int(field.spelling) - 1
            return String(decoding: self.bytes[start..<start + Int(field.nameCount)], as: UTF8.self)
        }
        return self.withName(at: index) { name in
            String(unsafeUninitializedCapacity: name.count) { target in
                self.nameForm.write(name, to: UnsafeMutableRawBufferPointer(target))
                return name.count
            }
        }
    }

    /// Writes how the block's names are spelled into its own `x-weft-case`, for the sidecar at the other end of HTTP/2:
    /// `t` or `l` for the form, then `,Name` for each name that is written otherwise. A block in lower case throughout
    /// has no such field.
    package mutating func recordSpelling() {
        self.remove(.weftCase)
        let start = self.bytes.count
        var count = 0
        for index in 0..<self.fields.count where self.fields[index].spelling != 0 && count < Self.maxSpellings {
            if count == 0 { self.bytes.append(self.nameForm.letter) }
            self.bytes.append(UInt8(ascii: ","))
            let spelling = Int(self.fields[index].spelling) - 1
            for place in spelling..<spelling + Int(self.fields[index].nameCount) {
                self.bytes.append(self.bytes[place])
            }
            count += 1
        }
        if count == 0 {
            guard self.nameForm != .lower else { return }
            self.bytes.append(self.nameForm.letter)
        }
        self.fields.append(
            Field(
                nameStart: UInt32(truncatingIfNeeded: start),
                nameCount: UInt16(truncatingIfNeeded: FieldName.weftCase.text.utf8CodeUnitCount), name: .weftCase,
                valueStart: UInt32(truncatingIfNeeded: start),
                valueCount: UInt32(truncatingIfNeeded: self.bytes.count - start)))
    }

    /// Takes `x-weft-case` out of the block and spells the names as it says.
    ///
    /// A spelling is used only for a field that has this name, so that no value of the field can bring a name or a byte into
    /// a head that was not there. What it says of fields that have gone is passed over; a malformed one says nothing.
    package mutating func restoreSpelling() {
        guard let index = self.firstIndex(of: .weftCase) else { return }
        let (start, count) = (Int(self.fields[index].valueStart), Int(self.fields[index].valueCount))
        self.remove(.weftCase)
        guard count > 0, count == 1 || self.bytes[start + 1] == UInt8(ascii: ","),
            let form = NameForm(letter: self.bytes[start])
        else { return }
        self.nameForm = form
        for index in 0..<self.fields.count { self.fields[index].spelling = 0 }
        // Names come in the order of the fields, so that each is usually found where the last one was.
        var next = 0
        var place = start + 2
        var taken = 0
        while place < start + count, taken < Self.maxSpellings {
            var end = place
            while end < start + count, self.bytes[end] != UInt8(ascii: ",") { end += 1 }
            if let index = self.firstIndex(spelled: place..<end, from: next) {
                self.fields[index].spelling = 1 + UInt32(truncatingIfNeeded: place)
                next = index + 1
            }
            taken += 1
            place = end + 1
        }
    }

    /// The first field from `start`, going round once, that has the name at `spelling` in some case and no spelling yet.
    private func firstIndex(spelled spelling: Range<Int>, from start: Int) -> Int? {
        guard !spelling.isEmpty, !self.fields.isEmpty else { return nil }
        return self.bytes.withUnsafeBytes { bytes in
            let text = UnsafeRawBufferPointer(rebasing: bytes[spelling])
            var index = start
            for _ in 0..<self.fields.count {
                if index >= self.fields.count { index = 0 }
                let field = self.fields[index]
                if field.spelling == 0, Int(field.nameCount) == text.count, !field.name.isPseudo,
                    self.withName(at: index, { Self.folds(text, to: $0) })
                {
                    return index
                }
                index += 1
            }
            return nil
        }
    }

    /// Whether `text` is `name`, a token in lower case, in some case.
    private static func folds(_ text: UnsafeRawBufferPointer, to name: UnsafeRawBufferPointer) -> Bool {
        let folded = TokenTable.shared.folded
        for index in 0..<text.count where folded[Int(text[index])] != name[index] { return false }
        return true
    }
}

extension NameForm {
    fileprivate var letter: UInt8 {
        switch self {
        case .lower: UInt8(ascii: "l")
        case .train: UInt8(ascii: "t")
        }
    }

    fileprivate init?(letter: UInt8) {
        switch letter {
        case UInt8(ascii: "l"): self = .lower
        case UInt8(ascii: "t"): self = .train
        default: return nil
        }
    }
}
