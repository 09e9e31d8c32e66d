internal import WeftMessage

/// The name of a header that a rule looks at.
///
/// To many applications `x_debug` is `x-debug`, one of several fields is the header, and a value is a list. What keeps callers
/// out looks at all of these readings.
struct AuthorizationHeader: Hashable, Sendable {
    let name: FieldName
    /// In lower case; of a folded one, with `-` for each `_`.
    let text: [UInt8]
    /// Whether `_` in a request's names is `-`.
    private let isFolded: Bool

    init(_ text: String, folding: Bool = false) {
        let text = folding ? String(text.map { $0 == "_" ? "-" : $0 }) : text
        self.name = text == "host" ? .authority : FieldName(text)
        self.text = Array(text.utf8)
        self.isFolded = folding && self.text.contains(UInt8(ascii: "-"))
    }

    /// Whether fields of other spellings are meant too.
    var hasSpellings: Bool { self.isFolded }

    /// Calls `body` with the value: of a repeated header all of them joined, with `,`, of cookies with `; `; nil where it is
    /// not there.
    func withValue<Result>(
        in headers: HeaderBlock, _ body: (UnsafeRawBufferPointer?) -> Result
    ) -> Result {
        self.withValue(in: headers, folding: self.isFolded, body)
    }

    private func withValue<Result>(
        in headers: HeaderBlock, folding: Bool, _ body: (UnsafeRawBufferPointer?) -> Result
    ) -> Result {
        guard let first = self.index(in: headers, from: 0, folding: folding) else { return body(nil) }
        guard var next = self.index(in: headers, from: first + 1, folding: folding) else {
            return headers.withValue(at: first, body)
        }
        var joined = headers.withValue(at: first) { Array($0) }
        while true {
            joined.append(contentsOf: self.name == .cookie ? [UInt8(ascii: ";"), 0x20] : [UInt8(ascii: ",")])
            headers.withValue(at: next) { joined.append(contentsOf: $0) }
            guard let further = self.index(in: headers, from: next + 1, folding: folding) else { break }
            next = further
        }
        return joined.withUnsafeBytes { body($0) }
    }

    /// Shows `body` all that a reader may take for the value, until it answers true: each field, each element of its list,
    /// and the fields joined. Answers whether it did.
    func anyReading(in headers: HeaderBlock, _ body: (UnsafeRawBufferPointer) -> Bool) -> Bool {
        var count = 0
        var next = self.index(in: headers, from: 0)
        while let index = next {
            count += 1
            if headers.withValue(at: index, { body($0) || self.anyElement(of: $0, body) }) { return true }
            next = self.index(in: headers, from: index + 1)
        }
        if count < 2 { return false }
        if self.withValue(in: headers, folding: false, { $0.map(body) ?? false }) { return true }
        return self.isFolded && self.withValue(in: headers, folding: true) { $0.map(body) ?? false }
    }

    private func anyElement(of value: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Bool) -> Bool {
        var start = 0
        while start <= value.count {
            var end = start
            while end < value.count, !self.parts(value[end]) { end += 1 }
            // Without a second one it is the whole value.
            if start == 0, end == value.count { return false }
            var element = value[start..<end]
            while let first = element.first, first == 0x20 || first == 0x09 { element.removeFirst() }
            while let last = element.last, last == 0x20 || last == 0x09 { element.removeLast() }
            if !element.isEmpty, body(UnsafeRawBufferPointer(rebasing: element)) { return true }
            start = end + 1
        }
        return false
    }

    private func parts(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ",") || self.name == .cookie && byte == UInt8(ascii: ";")
    }

    // MARK: Fields

    /// The first field of this name from `start`.
    func index(in headers: HeaderBlock, from start: Int) -> Int? {
        self.index(in: headers, from: start, folding: self.isFolded)
    }

    private func index(in headers: HeaderBlock, from start: Int, folding: Bool) -> Int? {
        if !folding, self.name != .other { return headers.firstIndex(of: self.name, from: start) }
        for index in start..<max(start, headers.fields.count) {
            let name = headers.fields[index].name
            if name != .other {
                if name == self.name { return index }
            } else if Int(headers.fields[index].nameCount) == self.text.count,
                headers.withName(at: index, { self.isNamed($0, folding: folding) })
            {
                return index
            }
        }
        return nil
    }

    private func isNamed(_ name: UnsafeRawBufferPointer, folding: Bool) -> Bool {
        guard folding else { return name.elementsEqual(self.text) }
        for index in 0..<self.text.count {
            let byte = name[index]
            if byte != self.text[index], byte != UInt8(ascii: "_") || self.text[index] != UInt8(ascii: "-") {
                return false
            }
        }
        return true
    }
}
